"""A full disk at the daemon: it says so, makes nothing by halves, ends and removes containers, and goes on later."""

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pytest

from labcore.registry.server import Registry
from tests.conftest import needs_root, small_disk
from tests.daemon import RunningDaemon, running_daemon
from tests.serving import served

SIZE: Final = "24m"
FULL: Final = "no space left on device"
FILE_BYTES: Final = 1 << 20
CODE: Final = 3
ENDS: Final = f"trap 'exit {CODE}' TERM; while true; do sleep 0.05; done"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RunningDaemon]:
    """A daemon whose state root is a small disk."""
    needs_root()
    with small_disk(tmp_path / "root", SIZE) as root, running_daemon(root) as made:
        yield made


@contextmanager
def full(root: Path) -> Iterator[None]:
    """Fill a disk to its last byte, for as long as the block lasts."""
    filler = root / "filler"
    with filler.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    try:
        assert not os.statvfs(root).f_bavail
        yield
    finally:
        filler.unlink()


def paths(root: Path) -> set[str]:
    """Return what lies in a state root, but for what a daemon opens and closes as it goes."""
    found = (str(each.relative_to(root)) for each in root.rglob("*"))
    return {each for each in found if "/records.db-" not in each and each != "filler"}


def archive(name: str) -> bytes:
    """Return an archive of one file, of random bytes."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = FILE_BYTES
        tar.addfile(info, io.BytesIO(os.urandom(FILE_BYTES)))
    return made.getvalue()


def refused(daemon: RunningDaemon, *words: str) -> None:
    """Have a command fail for want of room, with nothing made."""
    before = paths(daemon.root)
    done = daemon.docker(*words, status=None)
    assert done.returncode, words
    assert FULL in done.stderr, (words, done.stderr, daemon.said())
    assert paths(daemon.root) - before == set()


def test_images_that_find_no_room_are_not_there_by_halves(daemon: RunningDaemon, tmp_path: Path) -> None:
    with served(Registry(tmp_path / "registry").answer) as address:
        (tmp_path / "files.tar").write_bytes(archive("file"))
        name = f"{address}/files:v1"
        daemon.docker("import", str(tmp_path / "files.tar"), name)
        daemon.docker("push", name)
        daemon.docker("save", "-o", str(tmp_path / "image.tar"), name)
        daemon.docker("rmi", name)
        commands = (
            ("pull", name),
            ("load", "-i", str(tmp_path / "image.tar")),
            ("import", str(tmp_path / "files.tar"), "files:v2"),
            ("tag", "busybox", "busybox:again"),
        )
        with full(daemon.root):
            for words in commands:
                refused(daemon, *words)
            assert daemon.docker("images", "--format={{.Repository}}").stdout == "busybox\n"
        for words in commands:
            daemon.docker(*words)
        with full(daemon.root):
            refused(daemon, "rmi", "files:v2")
        daemon.docker("rmi", name, "files:v2", "busybox:again")
        daemon.docker("run", "--rm", "busybox", "true")
    assert "Traceback" not in daemon.said(), daemon.said()


def test_containers_that_find_no_room_are_not_there_by_halves(daemon: RunningDaemon, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(os.urandom(FILE_BYTES))
    daemon.docker("run", "--rm", "-v", "/volume", "busybox", "true")  # what networks and volumes need is there from now on
    daemon.docker("create", "--name=made", "busybox", "true")
    daemon.docker("network", "create", "lan")
    daemon.docker("run", "-d", "--name=joins", "busybox", "sleep", "1000")
    daemon.docker(
        "run", "-d", "--name=runs", "--network=none", "busybox", "sh", "-c", "head -c 1000000 /dev/urandom > /file; sleep 1000"
    )
    daemon.docker("exec", "runs", "sh", "-c", "while [ $(stat -c %s /file) != 1000000 ]; do sleep 0.05; done")
    commands = (
        ("start", "made"),
        ("run", "--name=new", "-v", "/volume", "busybox", "true"),
        ("commit", "runs", "committed"),
        ("volume", "create", "store"),
        ("network", "connect", "lan", "joins"),
    )
    copy = ("cp", str(tmp_path / "file"), "runs:/copied")
    with full(daemon.root):
        for words in commands:
            refused(daemon, *words)
        assert FULL in daemon.docker(*copy, status=1).stderr
        assert (
            daemon.docker("ps", "-a", "--format={{.Names}} {{.State}}").stdout == "runs running\njoins running\nmade created\n"
        )
        assert daemon.docker("exec", "runs", "echo", "lives").stdout == "lives\n"
    for words in (*commands, copy):
        daemon.docker(*words)
    assert "Traceback" not in daemon.said(), daemon.said()


def test_containers_end_and_go_on_a_full_disk_as_ever(daemon: RunningDaemon) -> None:
    with closing(daemon.client.events(decode=True)) as events:
        for name in ("stopped", "killed", "removed"):
            daemon.docker("run", "-d", f"--name={name}", "busybox", "sh", "-c", f"echo {name}; {ENDS}")
        daemon.docker("run", "-d", "--rm", "--name=goes", "-v", "/volume", "busybox", "sh", "-c", ENDS)
        with full(daemon.root):
            daemon.docker("stop", "stopped", "goes")
            daemon.docker("kill", "killed")
            for name, code in ("stopped", CODE), ("killed", 137):
                shown = "{{.State.Status}} {{.State.ExitCode}} {{.State.FinishedAt}}"
                first, again = (daemon.docker("inspect", "-f", shown, name).stdout for _ in range(2))
                assert first.startswith(f"exited {code} ")
                assert first == again
                assert daemon.docker("wait", name).stdout == f"{code}\n"
                assert daemon.docker("logs", name).stdout == f"{name}\n"
            daemon.docker("rm", "-f", "removed", "stopped")
            assert daemon.docker("ps", "-a", "--format={{.Names}}").stdout == "killed\n"
            assert daemon.docker("volume", "ls", "-q").stdout == ""
        told = [each["Actor"]["Attributes"]["name"] for each in until(events, "destroy", 3) if each["Action"] == "die"]
    assert sorted(told) == ["goes", "killed", "removed", "stopped"]
    daemon.docker("start", "killed")
    assert "Traceback" not in daemon.said(), daemon.said()


def until(events: Iterator[dict[str, object]], action: str, count: int) -> Iterator[dict[str, object]]:
    """Yield events up to that many of one kind."""
    for event in events:
        yield event
        count -= event["Type"] == "container" and event["Action"] == action
        if not count:
            return


def test_a_container_that_has_filled_the_disk_is_stopped_and_removed(daemon: RunningDaemon) -> None:
    fills = f"cat /dev/zero > /file; touch /dev/shm/full; {ENDS}"
    daemon.docker("run", "-d", "--name=fills", "busybox", "sh", "-c", fills)
    daemon.docker("exec", "fills", "sh", "-c", "while [ ! -e /dev/shm/full ]; do sleep 0.05; done")
    assert not os.statvfs(daemon.root).f_bavail
    daemon.docker("stop", "fills")
    assert daemon.docker("inspect", "-f", "{{.State.ExitCode}}", "fills").stdout == f"{CODE}\n"
    daemon.docker("rm", "fills")
    daemon.docker("run", "--rm", "busybox", "true")


def test_a_log_that_has_filled_the_disk_goes_with_its_container(daemon: RunningDaemon) -> None:
    daemon.docker("run", "--name=loud", "busybox", "sh", "-c", "head -c 30000000 /dev/zero")
    assert os.statvfs(daemon.root).f_bavail < 16
    assert daemon.docker("logs", "loud").stdout
    daemon.docker("rm", "loud")
    daemon.docker("run", "--rm", "busybox", "true")


def test_a_daemon_is_restarted_on_a_full_disk(tmp_path: Path) -> None:
    needs_root()
    with small_disk(tmp_path / "root", SIZE) as root:
        with running_daemon(root, clears=False) as first:
            first.docker("run", "-d", "--name=runs", "busybox", "sh", "-c", ENDS)
        with full(root), running_daemon(root, clears=False) as again:
            again.docker("stop", "runs")
            assert again.docker("ps", "-a", "--format={{.Names}} {{.Status}}").stdout.startswith(f"runs Exited ({CODE})")
            again.docker("rm", "runs")
