"""Containers made and shown by the daemon: what a client asks for in docker's options is what inspect says."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError
from docker.types import Healthcheck, Mount

from labcore.engine import Engine
from tests.conftest import needs_root
from tests.daemon import DOCKER, RunningDaemon, running_daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as running:
        yield running


def inspected(daemon: RunningDaemon, *words: str) -> dict[str, Any]:
    """Make a container with docker's options, and return what inspect says."""
    made = daemon.docker("create", *words).stdout.strip()
    found: dict[str, Any] = json.loads(daemon.docker("inspect", made).stdout)[0]
    daemon.docker("rm", made)
    return found


OPTIONS = {
    "--cpus 1.5": {"NanoCpus": 1_500_000_000, "CpuQuota": 0, "CpuPeriod": 0},
    "--cpu-quota 50000 --cpu-period 100000": {"NanoCpus": 0, "CpuQuota": 50_000, "CpuPeriod": 100_000},
    "--pid host --security-opt no-new-privileges": {"SecurityOpt": ["no-new-privileges", "label=disable"]},
    "--cpu-quota 50000 --cpu-period 200000": {"NanoCpus": 0, "CpuQuota": 50_000, "CpuPeriod": 200_000},
    "-m 64m --memory-reservation 32m": {"Memory": 64 << 20, "MemorySwap": 128 << 20, "MemoryReservation": 32 << 20},
    "--pids-limit 20 --cpu-shares 512 --cpuset-cpus 0": {"PidsLimit": 20, "CpuShares": 512, "CpusetCpus": "0"},
    "--ulimit nofile=1024:2048": {"Ulimits": [{"Name": "nofile", "Hard": 2048, "Soft": 1024}]},
    "--restart on-failure:3": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}},
    "--rm --privileged --read-only": {"AutoRemove": True, "Privileged": True, "ReadonlyRootfs": True},
    "--cap-add NET_ADMIN --cap-drop MKNOD --init": {"CapAdd": ["CAP_NET_ADMIN"], "CapDrop": ["CAP_MKNOD"], "Init": True},
    "-v /tmp:/t:ro": {"Binds": ["/tmp:/t:ro"]},
    "-v named:/n": {"Binds": ["named:/n"]},
    "-v named:/n:rw": {"Binds": ["named:/n:rw"]},
    "-v /tmp:/t:ro,Z,rslave": {"Binds": ["/tmp:/t:ro,Z,rslave"]},
    "--mount type=bind,src=/tmp,dst=/t,ro": {
        "Mounts": [{"Type": "bind", "Source": "/tmp", "Target": "/t", "ReadOnly": True}]
    },
    "--tmpfs /scratch:size=1m": {"Tmpfs": {"/scratch": "size=1m"}},
    "--dns 1.1.1.1 --dns-search x.y --dns-option ndots:2": {
        "Dns": ["1.1.1.1"], "DnsSearch": ["x.y"], "DnsOptions": ["ndots:2"]
    },
    "--add-host box:10.0.0.1": {"ExtraHosts": ["box:10.0.0.1"]},
    "--network none": {"NetworkMode": "none"},
    "-p 127.0.0.1:8080:80 -p 53/udp": {
        "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "53/udp": [{"HostIp": "", "HostPort": ""}]}
    },
    "--log-opt max-size=1m --log-opt max-file=3": {
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "3"}}
    },
    "--log-driver none": {"LogConfig": {"Type": "none", "Config": {}}},
    "--security-opt no-new-privileges --security-opt seccomp=unconfined": {
        "SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]
    },
    "--device /dev/null:/dev/x:r": {
        "Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "r"}]
    },
    "--device-cgroup-rule 'c 42:* rmw'": {"DeviceCgroupRules": ["c 42:* rmw"]},
    "--pid host --ipc host --uts host --cgroupns host": {
        "PidMode": "host", "IpcMode": "host", "UTSMode": "host", "CgroupnsMode": "host"
    },
    "--shm-size 1m --sysctl net.ipv4.ip_forward=1": {"ShmSize": 1 << 20, "Sysctls": {"net.ipv4.ip_forward": "1"}},
    "--oom-score-adj 100 --group-add 5 --oom-kill-disable": {"OomScoreAdj": 100, "GroupAdd": ["5"], "OomKillDisable": True},
    "--annotation a=b": {"Annotations": {"a": "b"}},
}  # fmt: skip


@pytest.mark.parametrize("words", OPTIONS)
def test_what_the_host_is_asked_for(daemon: RunningDaemon, words: str) -> None:
    host = inspected(daemon, *shlex.split(words), "busybox", "true")["HostConfig"]
    assert {name: host[name] for name in OPTIONS[words]} == OPTIONS[words]


def test_what_the_container_is_asked_to_be(daemon: RunningDaemon) -> None:
    words = [
        "--hostname",
        "box",
        "--domainname",
        "lab",
        "-u",
        "5:6",
        "-e",
        "A=b",
        "-e",
        "PATH",
        "-w",
        "/tmp",
        "-l",
        "x=y",
        "--stop-signal",
        "USR1",
        "--stop-timeout",
        "4",
    ]
    words += ["-i", "-t", "--expose", "81", "--entrypoint", "/bin/sh", "--name", "shown"]
    found = inspected(daemon, *words, "busybox", "-c", "true")
    config = found["Config"]
    wanted = {
        "Hostname": "box", "Domainname": "lab", "User": "5:6", "WorkingDir": "/tmp", "StopSignal": "USR1", "StopTimeout": 4,
        "Tty": True, "OpenStdin": True, "StdinOnce": True, "AttachStdin": True, "ExposedPorts": {"81/tcp": {}},
        "Entrypoint": ["/bin/sh"], "Cmd": ["-c", "true"], "Image": "busybox",
    }  # fmt: skip
    assert {name: config[name] for name in wanted} == wanted
    assert "A=b" in config["Env"]
    assert config["Labels"]["x"] == "y"
    assert (found["Name"], found["Path"], found["Args"]) == ("/shown", "/bin/sh", ["-c", "true"])
    assert found["State"]["Status"] == "created"
    assert found["State"]["StartedAt"] == "0001-01-01T00:00:00Z"


def test_a_health_check_and_volumes_of_the_body(daemon: RunningDaemon) -> None:
    check = Healthcheck(test=["CMD", "true"], interval=2 * 10**9, retries=4)
    made = daemon.client.containers.create(
        "busybox", "true", healthcheck=check, volumes=["/data"], mounts=[Mount("/m", "vol", labels={"a": "b"})]
    )
    config = made.attrs["Config"]
    assert config["Healthcheck"] == {"Test": ["CMD", "true"], "Interval": 2 * 10**9, "Retries": 4}
    assert config["Volumes"] == {"/data": {}}
    kinds = {mount["Destination"]: (mount["Type"], mount["Name"] == "vol") for mount in made.attrs["Mounts"]}
    assert kinds == {"/data": ("volume", False), "/m": ("volume", True)}
    made.remove(v=True)


def test_a_mounts_mode_is_what_stood_behind_its_target(daemon: RunningDaemon) -> None:
    words = ["-v", "/anonymous", "-v", "a:/plain", "-v", "a:/written:rw", "-v", "a:/read:ro", "-v", "/tmp:/bound"]
    words += ["-v", "/tmp:/kept:ro,Z", "--mount", "type=volume,src=a,dst=/long,readonly"]
    words += ["--mount", "type=bind,src=/tmp,dst=/below,readonly"]
    modes = {each["Destination"]: each["Mode"] for each in inspected(daemon, *words, "busybox")["Mounts"]}
    assert modes == {
        "/anonymous": "", "/plain": "z", "/written": "rw", "/read": "ro", "/bound": "", "/kept": "ro,Z", "/long": "z",
        "/below": "",
    }  # fmt: skip


def test_a_list_has_what_filters_let_through(daemon: RunningDaemon) -> None:
    api = daemon.client.api
    first = daemon.client.containers.create(
        "busybox", ["sleep", "100"], name="one", labels={"of": "list"}, ports={"80/tcp": ("127.0.0.1", 8091)}
    )
    second = daemon.client.containers.create("busybox", "true", name="two", labels={"of": "list"}, network="none")

    def names(**filters: Any) -> list[str]:
        found = api.containers(all=True, filters={"label": "of=list", **filters})
        return [each["Names"][0] for each in found]

    assert names() == ["/two", "/one"]
    assert names(before="two") == ["/one"]
    assert names(since="one") == ["/two"]
    assert names(network="none") == ["/two"]
    assert names(status="running") == names(publish="8091/tcp") == names(expose="80") == []
    first.start()
    assert names(status="running") == names(publish="8091/tcp") == names(publish="8000-8100") == names(expose="80") == ["/one"]
    assert names(publish="80/tcp") == names(publish="8091/udp") == []
    first.kill()
    assert names(name="tw", ancestor="busybox") == ["/two"]
    assert api.containers(filters={"label": "of=list"}) == []
    with pytest.raises(APIError, match="invalid filter 'status=odd': invalid value for state") as refused:
        api.containers(filters={"status": "odd"})
    assert refused.value.status_code == 400
    for each in (first, second):
        each.remove()


WRONG = [
    ({}, 400, "Image is missing"),
    ({"Image": "busybox", "HostConfig": {"Memory": "much"}}, 400, "HostConfig.Memory: Expected `int`, got `str`"),
    ({"Image": "busybox", "HostConfig": {"RestartPolicy": {"Name": "often"}}}, 400, "unknown policy 'often'"),
    ({"Image": "busybox", "HostConfig": {"SecurityOpt": ["seccomp=/etc/shadow"]}}, 400, "Decoding seccomp profile failed"),
    (
        {"Image": "busybox", "HostConfig": {"Mounts": [{"Type": "image", "Target": "/x"}]}},
        400,
        "mount type unknown: use bind, volume, tmpfs",
    ),
    ({"Image": "busybox", "HostConfig": {"Binds": ["./here:/x"]}}, 400, "has to be absolute"),
    ({"Image": "busybox", "HostConfig": {"Runtime": "kata"}}, 400, "unknown or invalid runtime name: kata"),
    ({"Image": "busybox", "HostConfig": {"LogConfig": {"Type": "syslog"}}}, 400, 'plugin "syslog" not found'),
    (
        {
            "Image": "busybox",
            "NetworkingConfig": {"EndpointsConfig": {"bridge": {"IPAMConfig": {"LinkLocalIPs": ["172.17.0.1"]}}}},
        },
        400,
        "invalid link-local IP address: 172.17.0.1",
    ),
    ({"Image": "busybox", "Healthcheck": {"Interval": 5}}, 400, "cannot be less than 1ms"),
    ({"Image": "nowhere/x"}, 404, "No such image: nowhere/x:latest"),
]


@pytest.mark.parametrize(("body", "status", "words"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_bodies_are_answered_with_the_field(daemon: RunningDaemon, body: dict[str, Any], status: int, words: str) -> None:
    api = daemon.client.api
    answer = api._post_json(api._url("/containers/create"), data=body)
    assert (answer.status_code, words in answer.json()["message"]) == (status, True), answer.text


def test_dockers_command_is_there() -> None:
    assert Path(DOCKER).exists(), "tools/peers make"


def test_a_container_that_is_missing_is_no_missing_image(daemon: RunningDaemon) -> None:
    """docker's command would pull the image."""
    failed = daemon.docker("run", "--volumes-from", "nonesuch", "busybox", "true", status=125).stderr
    assert failed.startswith("docker: Error response from daemon: No such container: nonesuch")


def test_links_are_told_with_the_name_of_the_container_that_has_them(daemon: RunningDaemon) -> None:
    daemon.docker("create", "--name=db", "busybox", "true")
    daemon.docker("create", "--name=web", "--link=db:data", "busybox", "true")
    assert daemon.docker("inspect", "-f", "{{.HostConfig.Links}}", "web").stdout == "[/db:/web/data]\n"
    daemon.docker("rm", "web", "db")


def test_what_a_container_has_written_is_as_long_as_its_files(daemon: RunningDaemon) -> None:
    daemon.docker("run", "--name=wrote", "busybox", "sh", "-c", "mkdir /d; echo four > /d/x")
    assert daemon.request("GET", "/containers/wrote/json?size=1").json["SizeRw"] == len("four\n")
    daemon.docker("rm", "wrote")


def test_mounts_of_another_container_are_shown_as_docker_shows_them(daemon: RunningDaemon) -> None:
    """And a volume with a name stays, whoever is removed."""
    words = ("-v", "kept:/k:ro", "-v", "/etc:/b:ro", "-v", "/etc:/s:rslave", "-v", "/anonymous")
    daemon.docker("create", "--name", "giver", *words, "busybox", "true")
    daemon.docker("create", "--name", "taker", "--volumes-from", "giver:rw,z", "busybox", "true")
    (giver, taker) = json.loads(daemon.docker("inspect", "giver", "taker").stdout)
    shown = [
        {each["Destination"]: (each["Mode"], each["RW"], each["Propagation"]) for each in about["Mounts"]}
        for about in (giver, taker)
    ]
    assert shown[0] == {
        "/k": ("ro", False, ""),
        "/b": ("ro", False, "rprivate"),
        "/s": ("rslave", True, "rslave"),
        "/anonymous": ("", True, ""),
    }
    assert shown[1] == {place: ("", *others) for place, (_, *others) in shown[0].items()}
    assert (giver["Config"]["Volumes"], taker["Config"]["Volumes"]) == ({"/anonymous": {}}, None)
    (drawn,) = (each["Name"] for each in giver["Mounts"] if each["Destination"] == "/anonymous")
    daemon.docker("rm", "giver")
    daemon.docker("rm", "-v", "taker")
    left = Engine(daemon.root).volumes.names()
    assert ("kept" in left, drawn in left) == (True, False)
    daemon.docker("volume", "rm", "kept")
    for mode in ("x", "rw,ro", "ro,rslave", "nocopy"):
        said = daemon.docker("create", "--volumes-from", f"nonesuch:{mode}", "busybox", status=1).stderr
        assert f"invalid mode: {mode}" in said


def test_mounts_come_from_other_containers(daemon: RunningDaemon) -> None:
    """And an anonymous volume that two have goes with the last of them alone."""
    daemon.docker("create", "--name", "giver", "-v", "/data", "-v", "/tmp:/host", "busybox", "true")
    daemon.docker("create", "--name", "taker", "--volumes-from", "giver:ro", "-v", "/tmp:/host:rw", "busybox", "true")
    (giver, taker) = json.loads(daemon.docker("inspect", "giver", "taker").stdout)
    by_place = {mount["Destination"]: mount for mount in taker["Mounts"]}
    volume = next(mount["Name"] for mount in giver["Mounts"] if mount["Type"] == "volume")
    assert by_place["/data"]["Name"] == volume
    assert (by_place["/data"]["RW"], by_place["/host"]["RW"]) == (False, True)
    assert taker["HostConfig"]["VolumesFrom"] == ["giver:ro"]
    store = Engine(daemon.root).volumes
    daemon.docker("rm", "-v", "giver")
    assert volume in store.names()
    daemon.docker("rm", "-v", "taker")
    assert volume not in store.names()
