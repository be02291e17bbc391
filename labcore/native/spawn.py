"""Start a process that walks steps: in the extension, or through the monitor."""

import fcntl
import os
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple, TypeAlias

from labcore.errors import LabcoreError, SystemCallError, Unavailable
from labcore.native._native import ffi, lib
from labcore.native.block import OUTCOME, REPORT, compile_block
from labcore.native.calls import close_range
from labcore.native.flags import CloneFlag, CloseFlag
from labcore.native.process import OwnChild, Process, Report, as_return_code
from labcore.native.step import Step, Words

PIPE: Final = -1
DEVNULL: Final = -3
Stream: TypeAlias = int | IO[bytes] | IO[str] | None

PROGRAMS = Path(__file__).parent / "bin"
SYNC_DESCRIPTOR: int = lib.MONITOR_SYNC


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


def execve(path: str, argv: Sequence[str], environment: Sequence[str], *, tolerate: frozenset[int] = frozenset()) -> Step:
    """Return the step that becomes another program: execve(2)."""
    return Step("execve", lib.SYS_execve, (path, Words((*argv, 0)), Words((*environment, 0))), tolerate)


def dup3(fd: int, target: int) -> Step:
    """Return the step that makes `target` a copy of `fd`, open across exec: dup(2)."""
    return Step("dup3", lib.SYS_dup3, (fd, target, 0))


class Started(NamedTuple):
    """A child, and what the walker wrote down about its first moments."""

    process: Process
    report: Report


def spawn_sharing(
    steps: Sequence[Step], *, clone_flags: CloneFlag, cgroup: int = -1, streams: Streams = Streams()
) -> Started:
    """Walk `steps` in a child that shares this process's memory until it execs. Raises SystemCallError if clone3 fails.

    The first steps are the ones that lay out its streams; the report counts only the caller's own.
    """
    with _opened(streams) as ends:
        layout = [dup3(ends.child[target], target) for target in ends.child]
        block = compile_block([*layout, *steps], clone_flags=clone_flags, cgroup=cgroup)
        report = ffi.new("char[]", REPORT.size + OUTCOME.size * (len(layout) + len(steps)))
        pidfd = ffi.new("int *", -1)
        pid = int(lib.lc_spawn(ffi.from_buffer(block), len(block), report, pidfd))
        if pid < 0:
            raise SystemCallError(-pid, "clone3", str(clone_flags))
        process = Process(pid, pidfd[0], OwnChild(pidfd[0]))
        ends.hand_over(process)
        return _started(process, bytes(ffi.buffer(report)), len(layout))


def _started(process: Process, memory: bytes, skip: int = 0) -> Started:
    report = Report.parse(memory)
    process.pid_inside = report.pid_inside
    if skip:
        report = report._replace(
            failed=max(-1, report.failed - skip) if report.failed >= skip else report.failed,
            reached=max(0, report.reached - skip),
            outcomes=report.outcomes[skip:],
        )
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
    steps: Sequence[Step],
    *,
    clone_flags: CloneFlag,
    cgroup: int = -1,
    streams: Streams = Streams(),
    at_sync: Callable[[Process, socket.socket], None] | None = None,
) -> Started:
    """Walk `steps` in a child of the monitor, which shares nothing with this process.

    `at_sync(process, socket)` is called once the child exists and must answer the bytes that the plan's `sync` steps send;
    when it raises, the child is killed. Raises SystemCallError if clone3 fails, MonitorLost if the monitor is killed.
    """
    block = compile_block(steps, clone_flags=clone_flags, cgroup=lib.MONITOR_CGROUP if cgroup >= 0 else -1)
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
            raise SystemCallError(cloned.error, "clone3", str(clone_flags))
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
    """Start the monitor as a plan of its own: lay out its descriptors, become labcore-monitor."""
    sources = {target: _aside(fd) for target, fd in inherited.items()}
    try:
        steps = [dup3(fd, target) for target, fd in (ends.child | sources).items()]
        steps.append(close_range.step(max(sources) + 1, flags=CloseFlag.CLOEXEC))
        steps.append(execve(program("labcore-monitor"), ["labcore-monitor"], []))
        process, report = spawn_sharing(steps, clone_flags=CloneFlag(0))
    finally:
        for fd in sources.values():
            os.close(fd)
    if report.failed >= 0:
        process.wait()
        failed = steps[report.failed]
        raise SystemCallError(report.error, failed.call, failed.arguments, "starting the monitor")
    return process


def _receive(control: socket.socket) -> _Message:
    memory, descriptors, _, _ = socket.recv_fds(control, 1 << 18, 1, socket.MSG_CMSG_CLOEXEC)
    if len(memory) < MESSAGE.size:
        raise MonitorLost("the monitor was killed: what its container did is not known")
    kind, pid, error, code, status, _ = MESSAGE.unpack_from(memory)
    return _Message(kind, pid, error, code, status, memory[MESSAGE.size :], descriptors[0] if descriptors else -1)
