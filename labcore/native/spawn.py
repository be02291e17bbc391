"""Start a process that walks steps: in the extension, or through the monitor."""

import fcntl
import os
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Final, NamedTuple, TypeAlias

from labcore.errors import LabcoreError, SystemCallError, Unavailable
from labcore.native._native import ffi, lib
from labcore.native.block import clone_flags, compile_block, report_size
from labcore.native.calls import close_range
from labcore.native.flags import CloseFlag
from labcore.native.process import OwnChild, Process, Report, as_return_code
from labcore.native.step import Step, Words

PIPE: Final = -1
DEVNULL: Final = -3
Stream: TypeAlias = int | IO[bytes] | IO[str] | None

PROGRAMS = Path(__file__).parent / "bin"
SYNC_DESCRIPTOR: int = lib.MONITOR_SYNC
CGROUP_DESCRIPTOR: int = lib.MONITOR_CGROUP


class Streams(NamedTuple):
    """What a process gets as 0, 1 and 2: None (this process's own), PIPE, DEVNULL, a descriptor or an open file."""

    stdin: Stream = None
    stdout: Stream = None
    stderr: Stream = None


def program(name: str) -> str:
    """Return the path of one of the static programs that were built beside the extension."""
    path = PROGRAMS / name
    if not path.is_file():
        raise Unavailable(f"{path} is missing: build it with `pip install -e .` (it needs a C compiler)")
    return str(path)


def execve(path: str, argv: Sequence[str], environment: Sequence[str], *, tolerate: int = 0) -> Step:
    """Return the step that becomes another program: execve(2)."""
    return Step("execve", lib.SYS_execve, (path, Words((*argv, 0)), Words((*environment, 0))), tolerate)


class Started(NamedTuple):
    """A child, and what the walker wrote down about its first moments."""

    process: Process
    report: Report


def spawn_sharing(block: bytes, *, streams: Streams = Streams()) -> Started:
    """Walk a block in a child that shares this process's memory until it execs. Raises SystemCallError if clone3 fails."""
    with _opened(streams) as ends:
        started = _spawn(block, ends.child)
        ends.hand_over(started.process)
        return started


def _spawn(block: bytes, layout: dict[int, int]) -> Started:
    """Spawn with descriptors laid out: target in the child -> descriptor here."""
    memory = bytearray(block)  # the walker turns its offsets into addresses
    report = ffi.new("char[]", report_size(block))
    pidfd = ffi.new("int *", -1)
    targets = [layout.get(target, -1) for target in range(max(layout, default=-1) + 1)]
    pid = int(lib.lc_spawn(ffi.from_buffer(memory), len(memory), targets, len(targets), report, pidfd))
    if pid < 0:
        raise SystemCallError(-pid, "clone3", str(clone_flags(block)))
    return _started(Process(pid, pidfd[0], OwnChild(pidfd[0])), bytes(ffi.buffer(report)))


def _started(process: Process, memory: bytes) -> Started:
    report = Report(memory)
    process.pid_inside = report.pid_inside
    if report.failed == lib.FAILED_IN_LAYOUT:
        process.wait()
        raise SystemCallError(report.error, "dup3", "…", "laying out descriptors")
    return Started(process, report)


class _Ends:
    """The descriptors behind Streams: the child's, by their target, and this side's ends of pipes."""

    def __init__(self) -> None:
        self.child: dict[int, int] = {}
        self.ours: dict[int, int] = {}

    def hand_over(self, process: Process) -> None:
        """Give the process this side's ends; they are its own from here on."""
        for target, (name, mode) in enumerate((("stdin", "wb"), ("stdout", "rb"), ("stderr", "rb"))):
            if target in self.ours:
                setattr(process, name, os.fdopen(self.ours.pop(target), mode, buffering=0))


@contextmanager
def _opened(streams: Streams) -> Iterator[_Ends]:
    ends = _Ends()
    with ExitStack() as undo:
        undo.callback(lambda: [os.close(fd) for fd in ends.ours.values()])
        for target, stream in enumerate(streams):
            if stream is None:
                continue
            if stream == PIPE:
                reader, writer = os.pipe()
                fd, ends.ours[target] = (reader, writer) if target == 0 else (writer, reader)
            elif stream == DEVNULL:
                fd = os.open(os.devnull, os.O_RDWR)
            else:
                fd = os.dup(stream if isinstance(stream, int) else stream.fileno())
            ends.child[target] = _aside(fd)
            undo.callback(os.close, ends.child[target])
        yield ends


def _aside(fd: int) -> int:
    """Move a descriptor to 10 or above, out of the way of those that a child lays out by number."""
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
    finally:
        os.close(fd)


# --- the monitor ------------------------------------------------------------------------------------------------------

MESSAGE = struct.Struct("=IiiiiI")  # struct message in csrc/monitor.h


class MonitorLost(LabcoreError):
    """The monitor ended before it had said what became of its child."""


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

    def collect(self) -> int:
        """Read the exit and reap the monitor."""
        with self._control:
            message = _receive(self._control)
        self._monitor.wait()
        return as_return_code(message.code, message.status)


def spawn_monitored(
    block: bytes,
    *,
    cgroup: int = -1,
    streams: Streams = Streams(),
    at_sync: Callable[[Process, socket.socket], None] | None = None,
) -> Started:
    """Walk a block in a child of the monitor, which shares nothing with this process.

    A block that starts in a cgroup names it as MONITOR_CGROUP; `cgroup` is its descriptor here. `at_sync(process, socket)` is called once the child exists and must answer the bytes that the plan's `sync` steps send;
    when it raises, the child is killed. Raises SystemCallError if clone3 fails, MonitorLost if the monitor is killed.
    """
    with ExitStack() as undo:
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        undo.enter_context(theirs)
        on_failure = undo.enter_context(ExitStack())
        on_failure.enter_context(control)
        sync, child_sync = socket.socketpair()
        undo.enter_context(sync)
        undo.enter_context(child_sync)
        ends = undo.enter_context(_opened(streams))

        inherited = {
            lib.MONITOR_BLOCK: _memory_file(block),
            lib.MONITOR_CONTROL: theirs.detach(),
            SYNC_DESCRIPTOR: child_sync.detach(),
        }
        if cgroup >= 0:
            inherited[lib.MONITOR_CGROUP] = os.dup(cgroup)
        monitor = on_failure.enter_context(_start_monitor(ends, inherited))
        cloned = _receive(control)
        if cloned.kind == lib.MESSAGE_REFUSED:
            raise SystemCallError(cloned.error, "clone3", str(clone_flags(block)))
        process = Process(cloned.pid, cloned.descriptor, MonitorExit(control, monitor))
        on_failure.pop_all()
        on_failure.enter_context(process)
        if at_sync is not None:
            at_sync(process, sync)
        sync.close()  # a child that still waits reads the end, and fails there
        walked = _receive(control)
        on_failure.pop_all()
        ends.hand_over(process)
        return _started(process, walked.rest)


def _memory_file(contents: bytes | bytearray) -> int:
    fd = os.memfd_create("labcore-plan")
    os.write(fd, contents)
    return fd


def _start_monitor(ends: _Ends, inherited: dict[int, int]) -> Process:
    """Start the monitor by a plan of its own."""
    sources = {target: _aside(fd) for target, fd in inherited.items()}
    try:
        process, report = _spawn(_monitor_block(max(sources) + 1), ends.child | sources)
    finally:
        for fd in sources.values():
            os.close(fd)
    if report.failed >= 0:
        process.wait()
        raise SystemCallError(report.error, "execve", program("labcore-monitor"), "starting the monitor")
    return process


@cache
def _monitor_block(first_spare: int) -> bytes:
    """The plan that becomes the monitor: let nothing else through, exec."""
    shut = close_range.step(first_spare, flags=CloseFlag.CLOEXEC)
    return compile_block([shut, execve(program("labcore-monitor"), ["labcore-monitor"], [])], clone_flags=0)


def _receive(control: socket.socket) -> _Message:
    memory, descriptors, _, _ = socket.recv_fds(control, 1 << 18, 1, socket.MSG_CMSG_CLOEXEC)
    if len(memory) < MESSAGE.size:
        raise MonitorLost("the monitor was killed: what its container did is not known")
    kind, pid, error, code, status, _ = MESSAGE.unpack_from(memory)
    return _Message(kind, pid, error, code, status, memory[MESSAGE.size :], descriptors[0] if descriptors else -1)
