"""Volumes with file systems that the daemon mounts: shared, gone with their last container, and never left behind."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from labcore.native import MountFlag, mount
from tests.conftest import needs_root
from tests.daemon import WAIT_SECONDS, RunningDaemon, running_daemon

TMPFS = ("-o", "type=tmpfs", "-o", "device=tmpfs")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(Path(tmp_path_factory.mktemp("daemon"), "root")) as made:
        yield made


@pytest.fixture
def daemon(served: RunningDaemon) -> Iterator[RunningDaemon]:
    yield served
    assert mounts(served.root) == []


def mounts(root: Path) -> list[str]:
    """Return the volumes that have something mounted on the host."""
    places = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return sorted(Path(place).parent.name for place in places if place.startswith(f"{root}/storage/volumes/"))


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def run(daemon: RunningDaemon, volume: str, script: str, *, status: int = 0) -> str:
    done = daemon.docker("run", "--rm", "-v", volume, "busybox", "sh", "-c", script, status=status)
    return done.stdout + done.stderr


def start(daemon: RunningDaemon, name: str, volume: str) -> None:
    daemon.docker("run", "-d", "--name", name, "-v", volume, "busybox", "sleep", "1000")


def test_a_tmpfs_is_one_for_all_its_containers_and_goes_with_the_last(daemon: RunningDaemon) -> None:
    daemon.docker("volume", "create", *TMPFS, "-o", "o=size=1m,uid=7,mode=700,noexec", "shared")
    about = daemon.client.volumes.get("shared").attrs
    assert about["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=7,mode=700,noexec"}
    assert mounts(daemon.root) == []
    for holder in ("one", "two"):
        start(daemon, holder, "shared:/data")
    daemon.docker("exec", "one", "sh", "-c", "echo hello > /data/file")
    said = run(daemon, "shared:/x", "cat /x/file; stat -c '%A %u' /x; df /x | tail -1; grep ' /x ' /proc/mounts").split()
    assert said[:5] == ["hello", "drwx------", "7", "tmpfs", "1024"]
    assert said[-3] == "rw,nodev,noexec,relatime,size=1024k,mode=700,uid=7"
    assert "Read-only file system" in run(daemon, "shared:/x:ro", "cat /x/file; touch /x/file", status=1)
    data = Path(about["Mountpoint"])
    assert (data / "file").read_text() == "hello\n"
    daemon.docker("kill", "one")
    daemon.docker("wait", "one")
    assert mounts(daemon.root) == ["shared"]
    daemon.docker("rm", "-f", "two")
    assert (mounts(daemon.root), list(data.iterdir())) == ([], [])
    assert run(daemon, "shared:/x", "ls -A /x") == ""
    daemon.docker("rm", "one")
    assert "shared" not in daemon.docker("volume", "prune", "-af").stdout
    daemon.docker("volume", "rm", "shared")


def test_files_of_a_stopped_container_are_reached_through_the_volume_of_one_that_runs(daemon: RunningDaemon) -> None:
    daemon.docker("volume", "create", *TMPFS, "copied")
    daemon.docker("create", "--name", "stopped", "-v", "copied:/data", "busybox")
    start(daemon, "running", "copied:/data")
    daemon.docker("cp", "/proc/version", "stopped:/data/file")
    assert daemon.docker("exec", "running", "ls", "/data").stdout == "file\n"
    daemon.docker("rm", "-f", "running", "stopped")
    daemon.docker("volume", "rm", "copied")


def test_a_part_of_a_tmpfs_for_one_the_whole_for_another(daemon: RunningDaemon) -> None:
    daemon.docker("volume", "create", *TMPFS, "whole")
    start(daemon, "all", "whole:/data")
    daemon.docker("exec", "all", "mkdir", "/data/part")
    part = "type=volume,src=whole,dst=/x,volume-subpath=part"
    daemon.docker("run", "--rm", "--mount", part, "busybox", "touch", "/x/file")
    assert daemon.docker("exec", "all", "find", "/data", "-type", "f").stdout == "/data/part/file\n"
    daemon.docker("rm", "-f", "all")
    daemon.docker("volume", "rm", "whole")


def test_an_anonymous_one_goes_with_its_container(daemon: RunningDaemon) -> None:
    options = "volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=64k"
    said = daemon.docker("run", "--rm", "--mount", f"type=volume,dst=/x,{options}", "busybox", "df", "/x").stdout
    assert said.splitlines()[1].split()[1] == "64"
    assert daemon.docker("volume", "ls", "-q").stdout == ""


REFUSED = [
    ({"type": "nfs", "device": ":/x", "o": "addr=localhost,rw"}, ":/x:PLACE, data: addr=127.0.0.1: "),
    ({"type": "tmpfs", "device": "tmpfs", "o": "bogus=1,ro"}, "tmpfs:PLACE, flags: 0x1, data: bogus=1: invalid argument: "),
    ({"type": "tmpfs", "device": "tmpfs", "o": "remount"}, "tmpfs:PLACE, flags: 0x20: invalid argument"),
    ({"type": "nosuch", "device": "x"}, "x:PLACE: no such device: this kernel has no file system nosuch"),
    ({"type": "none", "device": "here", "o": "bind"}, "here:PLACE, flags: 0x1000: no such file or directory: write the dev"),
    ({"type": "none", "device": "/nosuch", "o": "bind,ro"}, "/nosuch:PLACE, flags: 0x1001: no such file or directory: make"),
    ({"type": "cifs", "device": "//127.0.0.1/x", "o": "ro,password=secret,user=u"}, "data: password=********,user=u: "),
]  # fmt: skip


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_what_cannot_be_mounted_is_told_and_nothing_is_left(daemon: RunningDaemon, options: dict[str, str], said: str) -> None:
    """Docker's words; the container is as before, and can be started when the volume can be mounted."""
    place = daemon.request("POST", "/volumes/create", {"Name": "wrong", "DriverOpts": options}).json["Mountpoint"]
    daemon.docker("create", "--name", "unlucky", "-v", "wrong:/x", "busybox", "true")
    answer = daemon.request("POST", "/containers/unlucky/start")
    words = f"error while mounting volume '{place}': failed to mount local volume: mount "
    assert (answer.status, answer.json["message"].startswith(words)) == (500, True), answer
    assert said.replace("PLACE", place) in answer.json["message"]
    state = daemon.request("GET", "/containers/unlucky/json").json["State"]
    assert (state["Status"], state["ExitCode"], state["Error"]) == ("created", 128, answer.json["message"])
    assert mounts(daemon.root) == []
    daemon.docker("rm", "unlucky")
    daemon.docker("volume", "rm", "wrong")


def test_a_server_that_has_no_address(daemon: RunningDaemon) -> None:
    options = {"type": "nfs", "device": ":/x", "o": "addr=no.such.host.invalid"}
    daemon.request("POST", "/volumes/create", {"Name": "lost", "DriverOpts": options})
    said = run(daemon, "lost:/x", "true", status=125)
    assert "error resolving passed in network volume address: lookup no.such.host.invalid: " in said
    daemon.docker("volume", "rm", "lost")


@pytest.mark.parametrize("value", ["\0", "tmpfs\0x", "x" * 10_000, "\ud800", "../" * 20, "%s%n", "$(touch /tmp/x)"])
@pytest.mark.parametrize("key", ["device", "o", "type"])
def test_odd_values_mount_nothing_elsewhere(daemon: RunningDaemon, key: str, value: str) -> None:
    """What a client writes is one argument of mount(2), on the volume's own directory, or refused."""
    before = Path("/proc/self/mounts").read_text()
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"} | {key: value}
    answer = daemon.request("POST", "/volumes/create", {"Name": "odd", "DriverOpts": options})
    if answer.status == 201:
        done = daemon.docker("run", "--rm", "-v", "odd:/x", "busybox", "true", status=None)
        assert done.returncode in (0, 125, 127)
        assert "Traceback" not in daemon.said()
        daemon.docker("volume", "rm", "odd")
    else:
        assert answer.status == 400, answer
    assert Path("/proc/self/mounts").read_text() == before


def test_a_read_only_directory_of_the_host_outlives_its_volume(daemon: RunningDaemon, tmp_path: Path) -> None:
    """Also where a killed daemon has left it mounted: what is removed is the volume, not what is mounted as it."""
    (tmp_path / "file").write_text("mine\n")
    daemon.docker("volume", "create", "-o", "type=none", "-o", "o=bind,ro", "-o", f"device={tmp_path}", "hosts")
    assert "Read-only" in run(daemon, "hosts:/x", "cat /x/file; touch /x/file", status=1)
    data = daemon.client.volumes.get("hosts").attrs["Mountpoint"]
    mount(str(tmp_path), data, None, MountFlag.BIND)
    assert (mounts(daemon.root), os.listdir(data)) == (["hosts"], ["file"])
    daemon.docker("volume", "rm", "hosts")
    assert (tmp_path / "file").read_text() == "mine\n"


def test_an_empty_directory_of_the_host_gets_what_the_image_has(daemon: RunningDaemon, tmp_path: Path) -> None:
    daemon.docker("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={tmp_path}", "filled")
    assert "passwd" in run(daemon, "filled:/etc", "ls /etc")
    assert (tmp_path / "passwd").read_text().startswith("root:")
    (tmp_path / "passwd").write_text("mine\n")
    assert run(daemon, "filled:/etc", "cat /etc/passwd") == "mine\n"
    daemon.docker("volume", "rm", "filled")


def test_starts_and_ends_at_the_same_time_see_one_volume(daemon: RunningDaemon) -> None:
    daemon.docker("volume", "create", *TMPFS, "busy")
    start(daemon, "keeper", "busy:/x")
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: run(daemon, "busy:/x", f"touch /x/{number}"), range(18)))
    assert len(daemon.docker("exec", "keeper", "ls", "/x").stdout.split()) == 18
    daemon.docker("rm", "-f", "keeper")
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: run(daemon, "busy:/x", f"touch /x/{number}"), range(18)))
    assert mounts(daemon.root) == []
    daemon.docker("volume", "rm", "busy")


def test_a_killed_daemon_leaves_a_volume_to_its_containers_and_the_next_daemon(tmp_path: Path) -> None:
    needs_root()
    root = tmp_path / "root"
    options: dict[str, Any] = {"clears": False}
    with running_daemon(root, **options) as daemon:
        for name in ("kept", "ended"):
            daemon.docker("volume", "create", *TMPFS, name)
            start(daemon, f"has-{name}", f"{name}:/x")
            daemon.docker("exec", f"has-{name}", "touch", "/x/before")
        ended = daemon.request("GET", "/containers/has-ended/json").json["State"]["Pid"]
        daemon.end(signal.SIGKILL)
    assert mounts(root) == ["ended", "kept"]
    os.kill(ended, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{ended}").exists())
    with running_daemon(root) as daemon:
        wait_until(lambda: mounts(root) == ["kept"])
        assert run(daemon, "kept:/x", "ls /x") == "before\n"
        assert run(daemon, "ended:/x", "ls /x") == ""
        daemon.docker("rm", "-f", "has-kept", "has-ended")
        assert mounts(root) == []
        daemon.docker("volume", "rm", "kept", "ended")
