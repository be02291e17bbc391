"""Locks: shared and exclusive, tried, waited for, and whoever holds one is named."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from labcore.errors import InUse
from labcore.locks import Lock, flock, held_by, holders, is_at

HOLD = """
import fcntl, os, sys, time
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(fd, fcntl.LOCK_SH if sys.argv[2] == "shared" else fcntl.LOCK_EX)
print(flush=True)
time.sleep(100)
"""


@contextmanager
def holder(path: Path, how: str = "alone") -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), how], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["file", "directory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "place"
    if request.param == "file":
        path.touch()
    else:
        path.mkdir()
    return path


def named_by_the_kernel(path: Path) -> bool:
    """Some file systems tell stat(2) another device number than /proc/locks."""
    with Lock(path) as lock:
        lock.acquire()
        return holders(lock) == [os.getpid()]


def test_one_alone_holds_it_and_is_named(place: Path) -> None:
    with holder(place) as other, Lock(place) as lock:
        assert not lock.try_acquire()
        assert not lock.try_acquire(shared=True)
        with pytest.raises(InUse, match="volume data is in use") as refused:
            Lock(place).acquire(timeout_seconds=0, what="volume data", cure="end its containers")
        if named_by_the_kernel(place.parent):
            assert holders(lock) == [other.pid]
            assert f"by process {other.pid} (python" in str(refused.value)
        assert str(refused.value).endswith(": end its containers")


def test_several_share_it_and_all_are_named(place: Path) -> None:
    with holder(place, "shared") as one, holder(place, "shared") as two, Lock(place) as lock:
        assert lock.try_acquire(shared=True)
        assert not Lock(place).try_acquire()
        if named_by_the_kernel(place.parent):
            assert holders(lock) == sorted([one.pid, two.pid, os.getpid()])
            assert held_by([one.pid, two.pid]).startswith(" by processes ")


def test_its_holders_death_releases_it(place: Path) -> None:
    with holder(place) as other, Lock(place) as lock:
        assert not lock.try_acquire()
        other.kill()
        lock.acquire(timeout_seconds=60)


def test_a_timeout_is_waited_for(place: Path) -> None:
    with holder(place):
        began = time.monotonic()
        with pytest.raises(InUse, match="place is in use"):
            Lock(place).acquire(timeout_seconds=0.2)
        assert time.monotonic() - began >= 0.2


def test_who_waits_gets_it_when_the_block_of_another_ends(place: Path) -> None:
    got = []

    def wait() -> None:
        with Lock(place).acquire():
            got.append("it")

    with Lock(place).acquire():
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.1)
        assert got == []
    thread.join(60)
    assert got == ["it"]


def test_those_who_wait_are_no_holders(place: Path) -> None:
    with Lock(place).acquire() as lock, holder_that_waits(place) as waiting:
        assert waiting.pid not in holders(lock)


@contextmanager
def holder_that_waits(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), "alone"], stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while f" {process.pid} " not in Path("/proc/locks").read_text():
            assert time.monotonic() < end
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_refusal_leaves_no_descriptor_behind(place: Path) -> None:
    with Lock(place).acquire():
        before = os.listdir("/proc/self/fd")
        with pytest.raises(InUse):
            Lock(place).acquire(timeout_seconds=0)
        assert os.listdir("/proc/self/fd") == before


def test_a_refusal_in_a_block_closes_no_descriptor_of_another(place: Path) -> None:
    with Lock(place).acquire():
        with suppress(InUse), Lock(place) as lock:
            try:
                lock.acquire(timeout_seconds=0)
            finally:
                other = os.open(place, os.O_RDONLY)  # has the number that the lock had
        os.close(other)


def test_a_removed_file_is_told_from_its_successor(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with Lock(path) as lock:
        assert is_at(lock, path)
        path.unlink()
        assert not is_at(lock, path)
        path.touch()
        assert not is_at(lock, path)


def test_flags_are_those_of_open(tmp_path: Path) -> None:
    Lock(tmp_path / "new", os.O_RDWR | os.O_CREAT).close()
    assert (tmp_path / "new").exists()
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match="link"):
        Lock(tmp_path / "link", os.O_DIRECTORY | os.O_NOFOLLOW)


def test_a_file_that_is_open_already_can_be_locked(tmp_path: Path) -> None:
    with (tmp_path / "file").open("x") as one, (tmp_path / "file").open() as two:
        assert flock(one)
        assert not flock(two, wait=False)
