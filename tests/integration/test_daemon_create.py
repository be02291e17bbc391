"""What a body of POST /containers/create is taken for, and shown as."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as running:
        yield running


def created(daemon: RunningDaemon, **body: Any) -> dict[str, Any]:
    """Create a container; return what inspect shows."""
    answer = daemon.request("POST", "/containers/create", {"Image": "busybox", **body})
    assert answer.status == 201, answer.content
    return dict(daemon.request("GET", f"/containers/{answer.json['Id']}/json").json)


def refused(daemon: RunningDaemon, **body: Any) -> str:
    """Return with which message it is refused."""
    answer = daemon.request("POST", "/containers/create", {"Image": "busybox", **body})
    assert answer.status == 400, answer.content
    return str(answer.json["message"])


def test_a_variable_without_a_value_is_taken_away_and_shown(daemon: RunningDaemon) -> None:
    """Also from the containers of an image that was committed with it."""
    shown = created(daemon, Env=["HOME", "a=b"], Cmd=["env"])
    assert shown["Config"]["Env"][:2] == ["HOME", "a=b"]
    assert shown["Config"]["Env"][2].startswith("PATH=")
    assert daemon.docker("start", "-a", shown["Id"]).stdout.splitlines().count("HOME=/root") == 0
    daemon.docker("commit", shown["Id"], "homeless")
    out = daemon.docker("run", "--rm", "homeless", "env").stdout
    assert ("a=b\n" in out, "HOME" in out) == (True, False)


def test_fields_are_named_in_any_case(daemon: RunningDaemon) -> None:
    """But for a mapping's keys, which are the client's."""
    labels, host = {"Pascal": "1", "pascal": "2"}, {"memory": 1 << 25, "utsMode": "host"}
    shown = created(daemon, workingDir="/tmp", LABELS=labels, hostconfig=host)
    assert (shown["Config"]["WorkingDir"], shown["Config"]["Labels"]) == ("/tmp", labels)
    assert (shown["HostConfig"]["Memory"], shown["HostConfig"]["UTSMode"]) == (1 << 25, "host")


def test_what_changes_nothing_is_kept_all_the_same(daemon: RunningDaemon) -> None:
    host = created(daemon, HostConfig={"Isolation": "default", "VolumeDriver": "other"})["HostConfig"]
    assert (host["Isolation"], host["VolumeDriver"]) == ("default", "other")


def test_null_in_a_mapping_is_an_empty_value(daemon: RunningDaemon) -> None:
    """As Go reads it: the key is there."""
    body = {
        "Labels": {"a": None},
        "ExposedPorts": {"80/tcp": None},
        "Volumes": {"/x": None},
        "HostConfig": {"NetworkMode": "none"},
    }
    body |= {"NetworkingConfig": {"EndpointsConfig": {"none": None}}}
    shown = created(daemon, **body)
    config = shown["Config"]
    assert (config["Labels"], config["ExposedPorts"], config["Volumes"]) == ({"a": ""}, {"80/tcp": {}}, {"/x": {}})


def test_a_tmpfs_is_shown_where_it_was_asked_for(daemon: RunningDaemon) -> None:
    long = {"Type": "tmpfs", "Target": "/long", "TmpfsOptions": {"SizeBytes": 4096, "Mode": 0o700}}
    host = created(daemon, HostConfig={"Tmpfs": {"/short": "size=1k"}, "Mounts": [long]})["HostConfig"]
    assert (host["Tmpfs"], host["Mounts"]) == ({"/short": "size=1k"}, [long])


def test_a_volume_driver_that_is_not_there_is_not_found(daemon: RunningDaemon) -> None:
    body = {"Image": "busybox", "HostConfig": {"VolumeDriver": "other", "Binds": ["v:/v"]}}
    answer = daemon.request("POST", "/containers/create", body)
    assert answer.status == 404
    assert 'plugin "other" not found' in answer.json["message"]


def test_an_unknown_log_driver_is_refused_in_dockers_words(daemon: RunningDaemon) -> None:
    said = refused(daemon, HostConfig={"LogConfig": {"Type": "asdf"}})
    assert said == 'error looking up logging plugin asdf: plugin "asdf" not found'


def test_the_command_is_listed_with_quotes_where_a_word_has_a_space(daemon: RunningDaemon) -> None:
    daemon.docker("create", "--name=quoted", "--entrypoint=/bin/a b", "busybox", "sh", "-c", "echo a", "b")
    (found,) = daemon.request("GET", '/containers/json?all=1&filters={"name":["quoted"]}').json
    assert found["Command"] == "/bin/a b sh -c 'echo a' b"
    daemon.docker("rm", "quoted")
