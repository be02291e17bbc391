"""Start a process through the monitor, the small program that walks a block in a child sharing nothing with us.

The messages and the descriptors' numbers are those of csrc/monitor.h.
"""

import os
import socket
import struct
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from typing import NamedTuple

from labcore.errors import LabcoreError, SystemCallError
from labcore.native._native import lib
from labcore.native.block import clone_flags, compile_block
from labcore.native.calls import close_range, execve
from labcore.native.flags import CloseFlag
from labcore.native.process import Process, Report, as_return_code
from labcore.native.spawn import (
    CGROUP_DESCRIPTOR,
    SYNC_DESCRIPTOR,
    Ends,
    Started,
    Streams,
    as_started,
    aside,
    opened_streams,
    program,
    spawn_block,
)

MESSAGE = struct.Struct("=IiiiiI")  # struct message in csrc/monitor.h


class MonitorLost(LabcoreError):
    """The monitor ended before it had said what became of its child."""


class NotCloned(LabcoreError):
    """A step before the clone failed, as `report` says: there is no child."""

    def __init__(self, report: Report) -> None:
        super().__init__("a step before the clone failed")
        self.report = report


class _Message(NamedTuple):
    kind: int
    pid: int
    error: int
    code: int
    status: int
    rest: bytes
    descriptor: int


class MonitorExit:
    """The exit of a monitor's child: the last message on the control socket."""

    def __init__(self, control: socket.socket, monitor: Process) -> None:
        self._control = control
        self._monitor = monitor

    def fileno(self) -> int:
        """Return the control socket: readable when the monitor has spoken, or is gone."""
        return self._control.fileno()

    def release(self) -> None:
        """End the monitor: its child belongs to whoever reaps orphans from here on, prctl(2), PR_SET_CHILD_SUBREAPER."""
        self._control.close()
        self._monitor.close()

    def collect(self) -> int:
        """Read the exit and reap the monitor."""
        try:
            with self._control:
                while (message := _receive(self._control)).kind != lib.MESSAGE_EXITED:
                    pass  # of a start that was given up before all was read
        finally:
            self._monitor.wait()
        return as_return_code(message.code, message.status)


def spawn_monitored(
    block: bytes,
    *,
    cgroup: int = -1,
    streams: Streams = Streams(),
    at_sync: Callable[[Process, socket.socket], bool] | None = None,
    until_sync: bool = False,
) -> Started:
    """Walk a block in a child of the monitor, which shares nothing with this process.

    A block that starts in a cgroup names it as CGROUP_DESCRIPTOR; `cgroup` is its descriptor here. `at_sync(process, socket)`
    is called once the child exists, must answer the bytes that the plan's `sync` steps send, and says whether all of them came;
    when it raises, the child is killed. With `until_sync` the child is returned then, before it has come to its program.
    Raises SystemCallError if clone3 fails, NotCloned if a step before it does, MonitorLost if the monitor is killed.
    """
    with ExitStack() as undo:
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        undo.enter_context(theirs)
        on_failure = undo.enter_context(ExitStack())
        on_failure.enter_context(control)
        sync, child_sync = socket.socketpair()
        undo.enter_context(sync)
        undo.enter_context(child_sync)
        ends = undo.enter_context(opened_streams(streams))

        # What is lent to the monitor must not stay open here: its closing is how the other side's end is seen.
        with ExitStack() as lent:

            def lend(fd: int) -> int:
                moved = aside(fd)
                lent.callback(os.close, moved)
                return moved

            inherited = {
                lib.MONITOR_BLOCK: lend(_memory_file(block)),
                lib.MONITOR_CONTROL: lend(theirs.detach()),
                SYNC_DESCRIPTOR: lend(child_sync.detach()),
            }
            if cgroup >= 0:
                inherited[CGROUP_DESCRIPTOR] = lend(_duplicate(cgroup))
            monitor = on_failure.enter_context(_start_monitor(ends, inherited))
        cloned = _receive(control)
        if cloned.kind == lib.MESSAGE_REFUSED:
            raise SystemCallError(cloned.error, "clone3", str(clone_flags(block)))
        if cloned.kind == lib.MESSAGE_WALKED:
            raise NotCloned(Report(cloned.rest))
        process = Process(cloned.pid, cloned.descriptor, MonitorExit(control, monitor))
        on_failure.pop_all()
        on_failure.enter_context(process)
        passed = at_sync is not None and at_sync(process, sync)
        sync.close()  # a child that still waits reads the end, and fails there
        if until_sync and passed:
            on_failure.pop_all()
            ends.hand_over(process)
            return Started(process, None)
        walked = _receive(control)
        on_failure.pop_all()
        ends.hand_over(process)
        return as_started(process, walked.rest)


def _memory_file(contents: bytes | bytearray) -> int:
    fd = os.memfd_create("labcore-plan")
    os.write(fd, contents)
    return fd


def _duplicate(cgroup: int) -> int:
    try:
        return os.dup(cgroup)
    except OSError as error:
        raise SystemCallError(error.errno or 0, "dup", str(cgroup), "the cgroup to start in") from None


def _start_monitor(ends: Ends, inherited: dict[int, int]) -> Process:
    """Start the monitor by a plan of its own."""
    process, report = spawn_block(_monitor_block(max(inherited) + 1), ends.child | inherited)
    if report and report.failed >= 0:
        process.wait()
        raise SystemCallError(report.error, "execve", program("labcore-monitor"), "starting the monitor")
    return process


@cache
def _monitor_block(first_spare: int) -> bytes:
    """The plan that becomes the monitor: let nothing else through, exec."""
    shut = close_range.step(first_spare, flags=CloseFlag.CLOEXEC)
    return compile_block([shut, execve.step(program("labcore-monitor"), ["labcore-monitor"], [])], clone_flags=0)


def _receive(control: socket.socket) -> _Message:
    memory, descriptors, _, _ = socket.recv_fds(control, 1 << 18, 1, socket.MSG_CMSG_CLOEXEC)
    if len(memory) < MESSAGE.size:
        raise MonitorLost("the monitor was killed: what its container did is not known")
    kind, pid, error, code, status, _ = MESSAGE.unpack_from(memory)
    return _Message(kind, pid, error, code, status, memory[MESSAGE.size :], descriptors[0] if descriptors else -1)
