"""Volumes of the daemon, by docker-py, the docker command and raw requests: what docker does with them, and says of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon

NOT_A_MANAGER = "This node is not a swarm manager"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(Path(tmp_path_factory.mktemp("daemon"), "root")) as made:
        yield made


def test_volumes_are_created_listed_inspected_and_removed(daemon: RunningDaemon) -> None:
    made = daemon.client.volumes.create("data", labels={"a": "b"})
    place = daemon.root / "storage/volumes/data/data"
    shown = {name: made.attrs[name] for name in ("Driver", "Labels", "Mountpoint", "Name", "Options", "Scope")}
    assert shown == {
        "Driver": "local",
        "Labels": {"a": "b"},
        "Mountpoint": str(place),
        "Name": "data",
        "Options": None,
        "Scope": "local",
    }
    assert daemon.docker("volume", "create", "data").stdout == "data\n"  # the one that there is
    assert daemon.docker("volume", "ls", "-q", "-f", "label=a=b").stdout == "data\n"
    assert daemon.docker("volume", "ls", "-q", "-f", "name=dat", "-f", "driver=local").stdout == "data\n"
    assert daemon.docker("volume", "ls", "-q", "-f", "driver=other").stdout == ""
    daemon.docker("volume", "rm", "data")
    assert daemon.request("GET", "/volumes").json == {"Volumes": [], "Warnings": None}


REFUSED: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("GET", "/volumes/nope", {}, 404, "get nope: no such volume"),
    ("DELETE", "/volumes/nope", {}, 404, "get nope: no such volume"),
    ("GET", "/volumes/busybox:1", {}, 404, "get busybox:1: no such volume"),
    ("DELETE", "/volumes/busybox:1", {}, 404, "get busybox:1: no such volume"),
    ("PUT", "/volumes/nope", {}, 503, "volume update only valid for cluster volumes, but swarm is unavailable"),
    ("POST", "/volumes/create", {"Name": "a b"}, 400, "a b"),
    ("POST", "/volumes/create", {"Name": "a"}, 400, "volume name is too short"),
    ("POST", "/volumes/create", {"Name": 5}, 400, "Name"),
    ("POST", "/volumes/create", {"Name": "v1", "Driver": "x"}, 404, 'plugin "x" not found'),
    ("POST", "/volumes/create", {"Name": "v1", "DriverOpts": {"zz": "1"}}, 400, 'create v1: invalid option: "zz"'),
    ("POST", "/volumes/create", {"Name": "v1", "DriverOpts": {"type": "none"}}, 400, 'missing required option: "device"'),
    ("POST", "/volumes/create", {"Name": "v1", "DriverOpts": {"size": "1m"}}, 400, "quota size requested but no quota support"),
    ("POST", "/volumes/create", {"Name": "v1", "DriverOpts": {"size": "x"}}, 400, "create v1: invalid size: 'x'"),
    ("POST", "/volumes/create", {"Name": "v1", "DriverOpts": {"o": "ro"}}, 400, 'missing required option: "device"'),
    (
        "POST",
        "/volumes/create",
        {"Name": "v1", "DriverOpts": {"type": "cifs", "device": "//host:445/share"}},
        400,
        "create v1: port not allowed in CIFS device URL, include 'port' in 'o='",
    ),
    ("POST", "/volumes/create", {"Name": "v1", "ClusterVolumeSpec": {}}, 503, NOT_A_MANAGER),
    ("GET", '/volumes?filters={"zz":["a"]}', {}, 400, "invalid filter 'zz'"),
    ("GET", '/volumes?filters={"dangling":["a"]}', {}, 400, "invalid filter 'dangling=[a]'"),
    ("POST", '/volumes/prune?filters={"all":["a"]}', {}, 400, "invalid filter 'all'"),
    ("POST", '/volumes/prune?filters={"zz":["a"]}', {}, 400, "invalid filter 'zz'"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "message"), REFUSED)
def test_what_docker_refuses_is_refused_with_its_status_and_words(
    daemon: RunningDaemon, method: str, path: str, body: dict[str, Any], status: int, message: str
) -> None:
    found = daemon.request(method, path, body)
    assert (found.status, message in found.json["message"]) == (status, True), found


def test_with_force_a_volume_that_there_is_not_is_no_matter(daemon: RunningDaemon) -> None:
    for name in ("nope", "busybox:1"):
        assert daemon.request("DELETE", f"/volumes/{name}?force=1").status == 204


def test_a_volume_of_a_container_stays_until_that_is_gone(daemon: RunningDaemon) -> None:
    daemon.docker("run", "--name=keeper", "-v", "kept:/data", "busybox", "touch", "/data/x")
    keeper = daemon.request("GET", "/containers/keeper/json").json["Id"]
    busy = daemon.request("DELETE", "/volumes/kept")
    assert (busy.status, f"remove kept: volume is in use - [{keeper}]" in busy.json["message"]) == (409, True)
    assert daemon.docker("volume", "ls", "-q", "-f", "dangling=true").stdout == ""
    assert daemon.docker("volume", "ls", "-q", "-f", "dangling=false").stdout == "kept\n"
    daemon.docker("rm", "keeper")
    assert daemon.request("DELETE", "/volumes/kept").status == 204


def test_a_directory_of_the_host_is_a_volume(daemon: RunningDaemon, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    made = ["volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={shared}", "host-dir"]
    daemon.docker(*made)
    assert daemon.client.volumes.get("host-dir").attrs["Options"] == {"type": "none", "o": "bind", "device": str(shared)}
    daemon.docker("create", "--name=lost", "-v", "host-dir:/x", "busybox", "true")
    assert "failed to mount local volume" in daemon.docker("start", "lost", status=1).stderr
    daemon.docker("rm", "lost")
    shared.mkdir()
    daemon.docker("run", "--rm", "-v", "host-dir:/x", "busybox", "touch", "/x/here")
    assert (shared / "here").exists()
    daemon.docker("volume", "rm", "host-dir")
    assert (shared / "here").exists()


def test_a_volume_that_a_mount_makes_has_its_driver_options(daemon: RunningDaemon, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    options = f"volume-opt=type=none,volume-opt=o=bind,volume-opt=device={tmp_path}"
    mount = f"type=volume,src=by-mount,dst=/x,{options}"
    assert daemon.docker("run", "--name=mounts", "--mount", mount, "busybox", "ls", "/x").stdout == "file\n"
    (shown,) = daemon.request("GET", "/containers/mounts/json").json["HostConfig"]["Mounts"]
    assert shown["VolumeOptions"]["DriverConfig"]["Options"]["device"] == str(tmp_path)
    daemon.docker("rm", "mounts")
    daemon.docker("volume", "rm", "by-mount")
    refused = daemon.docker("create", "--mount", "dst=/x,volume-opt=type=ext4,volume-opt=zz=1", "busybox", status=1)
    assert 'invalid option: "zz"' in refused.stderr


def test_prune_removes_anonymous_ones_and_before_1_42_all(daemon: RunningDaemon) -> None:
    anonymous = daemon.request("POST", "/volumes/create", {}).json
    assert anonymous["Labels"] == {"com.docker.volume.anonymous": ""}
    for name in ("one", "two", "three"):
        daemon.request("POST", "/volumes/create", {"Name": name, "Labels": {name: ""}})
    assert daemon.request("POST", "/volumes/prune").json["VolumesDeleted"] == [anonymous["Name"]]
    keep = json.dumps({"all": ["true"], "label!": ["one"], "label": ["two"]})
    assert daemon.request("POST", f"/volumes/prune?filters={keep}").json["VolumesDeleted"] == ["two"]
    assert daemon.request("POST", "/v1.41/volumes/prune").json["VolumesDeleted"] == ["one", "three"]


def test_events_tell_what_happens_to_a_volume(daemon: RunningDaemon) -> None:
    before = daemon.now()
    daemon.docker("volume", "create", "told")
    daemon.docker("volume", "rm", "told")
    daemon.docker("volume", "prune", "-f")
    lines = daemon.docker("events", "--since", before, "--until", daemon.now(), "-f", "type=volume", "--format", "json").stdout
    told = [json.loads(line) for line in lines.splitlines()]
    assert [(each["Action"], each["Actor"]["ID"]) for each in told] == [("create", "told"), ("destroy", "told"), ("prune", "")]
    assert told[2]["Actor"]["Attributes"] == {"reclaimed": "0"}


@pytest.mark.parametrize("place", ["", "containers", "..", "/"])
def test_a_bind_of_the_state_root_keeps_nothing_mounted(daemon: RunningDaemon, place: str) -> None:
    source = str(daemon.root.joinpath(place).resolve())
    mount = {"Type": "bind", "Source": source, "Target": "/foo"}

    def asked(host: dict[str, Any]) -> Any:
        return daemon.request("POST", "/containers/create", {"Image": "busybox", "HostConfig": host})

    for propagation in ("private", "rprivate", "slave", "shared"):
        long = mount | {"BindOptions": {"Propagation": propagation}}
        for host in ({"Binds": [f"{source}:/foo:{propagation}"]}, {"Mounts": [long]}):
            refused = asked(host)
            said = 'invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within'
            assert (refused.status, refused.json["message"].startswith(said)) == (400, True)
    for host in ({"Binds": [f"{source}:/foo"]}, {"Mounts": [mount]}, {"Binds": [f"{source}:/foo:rslave"]}):
        about = daemon.client.containers.get(asked(host).json["Id"])
        assert about.attrs["Mounts"][0]["Propagation"] == "rslave"
        assert about.attrs["HostConfig"].get("Binds") == host.get("Binds")
        about.start()
        assert about.wait()["StatusCode"] == 0
        about.remove()
