"""Monitor client: start a process through the monitor, the static program that walks a block in a child of its own.

The messages are those of csrc/message.h, and the descriptors' numbers those of csrc/monitor.h.
"""

from __future__ import annotations

import errno
import os
import struct
from contextlib import ExitStack
from functools import cache
from types import MappingProxyType

from labcore.errors import InvalidInput, LabcoreError, SystemCallError
from labcore.native._native import lib
from labcore.native.block import clone_flags, compile_block
from labcore.native.calls import AT_FDCWD, close_range, execve, execveat, mount_setattr, open_tree
from labcore.native.flags import CloseFlag, MountAttribute, TreeFlag
from labcore.native.process import Process, Report, as_return_code
from labcore.native.spawn import (
    LAID_OUT,
    SYNC_DESCRIPTOR,
    Started,
    Streams,
    as_started,
    aside,
    opened_streams,
    program,
    spawn_block,
)
from labcore.native.step import Register
from labcore.record import Record
from labcore.unix_sockets import channel_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from labcore.native.spawn import (
        Ends,
    )
    from labcore.unix_sockets import Channel

MESSAGE = struct.Struct("=IiiiiI")  # struct message in csrc/message.h
NOTHING: Mapping[int, int] = MappingProxyType({})
EXITED: int = lib.MESSAGE_EXITED
WAITS = ("waits",)  # words for a monitor that reaps its child only once it is told to: see let_reap
KEEPS_OUTPUT = ("keeps", "output")  # for one that throws away its child's output when its starter has gone
# What a shim is lent, by its number there.
DIRECTORY: int = lib.MONITOR_DIRECTORY
ATTACH: int = lib.MONITOR_ATTACH
INPUT: int = lib.MONITOR_STDIN
OUTPUT: int = lib.MONITOR_STDOUT
ERRORS: int = lib.MONITOR_STDERR
LOG: int = lib.MONITOR_LOG


class MonitorLost(LabcoreError):
    """The monitor ended before it had said what became of its child."""


class NotCloned(LabcoreError):
    """A step before the clone failed, as `report` says: there is no child."""

    def __init__(self, report: Report) -> None:
        super().__init__("a step before the clone failed")
        self.report = report


class Message(Record):
    """One of csrc/message.h, what follows it, and the descriptors that came with it."""

    kind: int
    pid: int
    error: int
    code: int
    status: int
    rest: bytes
    descriptors: list[int]


class ShimDescriptors(Record):
    """What a shim is lent, by its number there, and its arguments: csrc/shim.h."""

    lent: Mapping[int, int]
    words: tuple[str, ...]


class MonitorExit:
    """The exit of a monitor's child: the last message on the control socket. One that is to `stay` outlives its release."""

    def __init__(self, control: Channel, monitor: Process, stay: bool) -> None:
        self.control = control
        self.monitor = monitor
        self._stay = stay

    def fileno(self) -> int:
        """Return the control socket: readable when the monitor has spoken, or is gone."""
        return self.control.fileno()

    def release(self) -> None:
        """End the monitor: its child belongs to whoever reaps orphans from here on, prctl(2), PR_SET_CHILD_SUBREAPER."""
        self.control.close()
        if self._stay:
            self.monitor.release()
        else:
            self.monitor.close()

    def collect(self) -> int:
        """Read the exit and reap the monitor."""
        try:
            with self.control:
                while (message := receive(self.control)).kind != lib.MESSAGE_EXITED:
                    pass  # of a start that was given up before all was read
        finally:
            self.monitor.wait()
        return as_return_code(message.code, message.status)


def give_terminal(process: Process, master: int) -> None:
    """Send a terminal's other end to the shim of a process: its output is logged, and clients write to it.

    To be called before the last `sync` of its plan is answered.
    """
    if not isinstance(process.source, MonitorExit):
        raise InvalidInput(f"process {process.pid} has no monitor that could take its terminal")
    message = MESSAGE.pack(lib.MESSAGE_TERMINAL, 0, 0, 0, 0, 0)
    process.source.control.send_fds(message, [master])


def let_reap(process: Process) -> None:
    """Tell a monitor that was started with the words WAITS to wait for its child's end; else release the process."""
    assert isinstance(process.source, MonitorExit)
    process.source.control.send(b"!")


def spawn_monitored(
    block: bytes,
    *,
    lent: Mapping[int, int] = NOTHING,
    words: tuple[str, ...] = (),
    streams: Streams = Streams(),
    at_sync: Callable[[Process, Channel], bool] | None = None,
    until_sync: bool = False,
) -> Started:
    """Walk a block in a child of the monitor, which shares nothing with this process.

    `lent` are descriptors that it finds there by number, such as the cgroup of a block that starts in one, at
    CGROUP_DESCRIPTOR, or what its program is to find open, from PRESERVED_DESCRIPTOR on. `words` make the monitor keep it, or
    wait before it reaps it.
    `at_sync(process, socket)` is called once the child exists, must answer the bytes that the plan's `sync` steps send, and
    says whether all of them came; when it raises, the child is killed. With `until_sync` the child is returned then, before it
    has come to its program.
    Raises SystemCallError if clone3 fails, NotCloned if a step before it does, MonitorLost if the monitor is killed.
    """
    with ExitStack() as undo:
        control, theirs = channel_pair(packets=True)
        on_failure = undo.enter_context(ExitStack())
        on_failure.enter_context(control)
        sync, child_sync = channel_pair()
        for end in (theirs, sync, child_sync):
            undo.enter_context(end)
        laid_out = max(LAID_OUT, max(lent, default=0) + 1)
        ends = undo.enter_context(opened_streams(streams, laid_out))
        monitor = on_failure.enter_context(_start_monitor(block, theirs, child_sync, lent, ends, words, laid_out))
        process = _cloned(control, monitor, block, words not in ((), WAITS))
        on_failure.pop_all()
        on_failure.enter_context(process)
        if words == WAITS:
            on_failure.callback(let_reap, process)
        passed = at_sync is not None and at_sync(process, sync)
        sync.close()  # a child that still waits reads the end, and fails there
        report = None if until_sync and passed else receive(control).rest
        on_failure.pop_all()
        ends.hand_over(process)
        return Started(process, None) if report is None else as_started(process, report)


def _start_monitor(
    block: bytes, control: Channel, sync: Channel, shared: Mapping[int, int], ends: Ends, words: tuple[str, ...], laid_out: int
) -> Process:  # fmt: skip
    """Start the monitor by a plan of its own. What it is lent is closed here, or the other side's end would not be seen."""
    with ExitStack() as lent:

        def lend(fd: int) -> int:
            moved = aside(fd, laid_out)
            lent.callback(os.close, moved)
            return moved

        inherited = {
            lib.MONITOR_BLOCK: lend(_memory_file(block)),
            lib.MONITOR_CONTROL: lend(control.detach()),
            SYNC_DESCRIPTOR: lend(sync.detach()),
            **{target: lend(_duplicate(fd)) for target, fd in shared.items()},
        }
        for by_view in (True, False):
            started = spawn_block(_monitor_block(max(inherited) + 1, words, by_view), ends.child | inherited)
            if not started.report or started.report.failed < 0:
                return started.process
            started.process.wait()
            error = started.report.error
            if error != errno.EPERM:
                break
    raise SystemCallError(error, "execve", program("labcore-monitor"), "starting the monitor")


def _cloned(control: Channel, monitor: Process, block: bytes, stay: bool) -> Process:
    """Return the monitor's child."""
    cloned = receive(control)
    if cloned.kind == lib.MESSAGE_REFUSED:
        raise SystemCallError(cloned.error, "clone3", str(clone_flags(block)))
    if cloned.kind == lib.MESSAGE_WALKED:
        raise NotCloned(Report(cloned.rest))
    return Process(cloned.pid, cloned.descriptors[0], MonitorExit(control, monitor, stay))


def _memory_file(contents: bytes | bytearray) -> int:
    fd = os.memfd_create("labcore-plan")
    os.write(fd, contents)
    return fd


def _duplicate(fd: int) -> int:
    try:
        return os.dup(fd)
    except OSError as error:
        raise SystemCallError(error.errno or 0, "dup", str(fd), "what the monitor is lent") from None


@cache
def _monitor_block(first_spare: int, words: tuple[str, ...], by_view: bool) -> bytes:
    """The plan that becomes the monitor: let nothing else through, exec.

    With `by_view` from a view of its file through which nobody can change it: a container's program can begin with
    `#!/proc/self/exe`, and then runs the file of the process that it comes from. An ordinary user may make no view, but in a
    mount namespace of his own (`labcore rootless`), and does without: root's files are out of his containers' reach.
    """
    path, argv = program("labcore-monitor"), ["labcore-monitor", *words]
    shut = close_range.step(first_spare, flags=CloseFlag.CLOEXEC)
    if not by_view:
        return compile_block([shut, execve.step(path, argv, [])], clone_flags=0)
    view = Register(0)
    return compile_block(
        [
            shut,
            open_tree.step(AT_FDCWD, path, TreeFlag.CLONE).replace(result=view.number),
            mount_setattr.step(view, "", TreeFlag.EMPTY_PATH, set=MountAttribute.RDONLY),
            execveat.step(view, argv, []),
        ],
        clone_flags=0,
    )


def receive(channel: Channel) -> Message:
    """Wait for the monitor's next message. Raises MonitorLost if it is gone."""
    memory, descriptors = channel.recv_fds(1 << 18, 2)
    if len(memory) < MESSAGE.size:
        raise MonitorLost("the monitor was killed: what its container did is not known")
    kind, pid, error, code, status, _ = MESSAGE.unpack_from(memory)
    return Message(kind, pid, error, code, status, memory[MESSAGE.size :], descriptors)
