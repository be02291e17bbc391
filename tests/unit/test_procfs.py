"""/proc/PID: what is read of live processes, of zombies, and of those that are gone."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from labcore import procfs


@contextmanager
def child(*argv: str, **options: object) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(argv or ("sleep", "100"), **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(condition: "object") -> None:
    end = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.005)


def test_the_start_time_is_that_of_the_kernel() -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    with child() as process:
        started = procfs.start_time(process.pid)
        assert started is not None
        assert before - 1 < started / ticks < time.clock_gettime(time.CLOCK_BOOTTIME) + 1


@pytest.mark.parametrize("name", [b"a) Z 1 (b", b") ) )", b"\xff\xfe\n", b"("])
def test_a_name_with_parentheses_and_odd_bytes_confuses_nobody(name: bytes) -> None:
    """A process names itself: prctl(2), PR_SET_NAME."""
    program = f"import ctypes, time; ctypes.CDLL(None).prctl(15, {name!r}); print(flush=True); time.sleep(100)"
    with child(sys.executable, "-c", program, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        started = procfs.start_time(process.pid)
        assert started is not None
        assert abs(started - (procfs.start_time(os.getpid()) or 0)) < 10**9
        assert procfs.parent(process.pid) == os.getpid()
        assert procfs.stat_fields(process.pid)[0] in "RSD"
        assert procfs.command_name(process.pid).isprintable()
        assert procfs.ns_pids(process.pid)[0] == process.pid


def test_a_zombie_has_ended_and_so_has_one_that_is_gone() -> None:
    with child("true") as process:
        wait_until(lambda: procfs.stat_fields(process.pid)[0] == "Z")
        assert procfs.has_ended(process.pid)
        assert procfs.start_time(process.pid) is None
    assert procfs.has_ended(process.pid)
    assert procfs.children(process.pid) == []
    assert procfs.command_name(process.pid) == ""
    with pytest.raises(OSError, match=str(process.pid)):
        procfs.status(process.pid)


def test_namespaces_are_those_that_the_kernel_has() -> None:
    mine = procfs.namespaces(os.getpid())
    assert mine == procfs.namespaces("self")
    assert {"mnt", "pid", "uts", "ipc", "net", "user"} <= set(mine)
    for kind, inode in mine.items():
        assert os.stat(f"/proc/self/ns/{kind}").st_ino == inode


def test_a_process_in_a_namespace_of_its_own_has_another_inode_there() -> None:
    with child("unshare", "--uts", "--pid", "--fork", "sleep", "100") as process:
        wait_until(lambda: procfs.children(process.pid))
        (inner,) = procfs.children(process.pid)
        assert procfs.namespace(inner, "uts") != procfs.namespace("self", "uts")
        assert procfs.namespace(inner, "net") == procfs.namespace("self", "net")
        assert procfs.ns_pids(inner)[0] == inner
        assert procfs.ns_pids(inner)[-1] == 1


def test_children_are_those_of_all_threads_and_descendants_follow_their_parents() -> None:
    program = (
        "import subprocess, threading, time\n"
        "def start():\n    subprocess.Popen(['sh', '-c', 'sleep 100 & wait'])\n    time.sleep(100)\n"
        "threading.Thread(target=start, daemon=True).start()\nsubprocess.Popen(['sleep', '100'])\ntime.sleep(100)\n"
    )
    with child(sys.executable, "-c", program, process_group=0) as process:
        try:
            wait_until(lambda: len(procfs.descendants(process.pid)) == 3)
            found = procfs.descendants(process.pid)
            assert found[:2] == procfs.children(process.pid)
            assert procfs.parent(found[2]) in found[:2]
        finally:
            os.killpg(process.pid, 9)
