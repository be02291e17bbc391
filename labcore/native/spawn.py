"""Spawn: start a process that walks a block, in the extension, with its descriptors laid out."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager

from labcore.errors import InvalidInput, SystemCallError, Unavailable
from labcore.native._native import ffi, lib
from labcore.native.block import born_in, clone_flags, report_size
from labcore.native.process import OwnChild, Process, Report
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, Final, TypeAlias

PIPE: Final = -1
DEVNULL: Final = -3
Stream: TypeAlias = "int | IO[bytes] | IO[str] | None"

PROGRAMS = f"{os.path.dirname(__file__)}/bin"
SYNC_DESCRIPTOR: int = lib.MONITOR_SYNC
CGROUP_DESCRIPTOR: int = lib.MONITOR_CGROUP
PRESERVED_DESCRIPTOR: int = lib.MONITOR_PRESERVED  # the first of those that a program is to find open
LAID_OUT: int = lib.MONITOR_DESCRIPTORS  # descriptors below this a child may have by number


STREAM_NAMES = ("stdin", "stdout", "stderr")


class Streams(Record):
    """What a process gets as 0, 1 and 2: None (this process's own), PIPE, DEVNULL, a descriptor or an open file."""

    stdin: Stream = None
    stdout: Stream = None
    stderr: Stream = None


def program(name: str) -> str:
    """Return the path of one of the static programs that were built beside the extension."""
    path = f"{PROGRAMS}/{name}"
    if os.access(path, os.X_OK):
        return path
    from labcore.paths import closed_directory

    if closed := closed_directory(path):
        raise Unavailable(
            f"{closed} is closed to you, and labcore lies in there\n  cure: chmod o+x {closed}, or install labcore elsewhere"
        )
    raise Unavailable(f"{path} is missing: build it with `pip install -e .` (it needs a C compiler)")


class Started(Record):
    """A child, and the walker's report; None if it was not waited for."""

    process: Process
    report: Report | None


def spawn_block(block: bytes, layout: dict[int, int], cgroup: int = -1) -> Started:
    """Spawn with descriptors laid out: target in the child -> descriptor here; in that cgroup, if there is one: `born_in`."""
    memory = born_in(block, cgroup) if cgroup >= 0 else bytearray(block)  # the walker turns its offsets into addresses
    report = ffi.new("char[]", report_size(block))
    pidfd = ffi.new("int *", -1)
    targets = [layout.get(target, -1) for target in range(max(layout, default=-1) + 1)]
    pid = int(lib.lc_spawn(ffi.from_buffer(memory), len(memory), targets, len(targets), report, pidfd))
    if pid < 0:
        raise SystemCallError(-pid, "clone3", str(clone_flags(block)))
    return as_started(Process(pid, pidfd[0], OwnChild(pidfd[0])), bytes(ffi.buffer(report)))


def as_started(process: Process, memory: bytes) -> Started:
    """Return a child with the report in `memory`. Raises SystemCallError if it did not come as far as the first step."""
    report = Report(memory)
    process.pid_inside = report.pid_inside
    process.cloned = report.cloned
    if report.failed == lib.FAILED_IN_LAYOUT:
        process.wait()
        raise SystemCallError(report.error, "dup3", "…", "laying out descriptors")
    if report.failed == lib.FAILED_IN_CGROUP:
        process.wait()
        raise SystemCallError(report.error, "unshare", "NEWCGROUP", "entering the cgroup")
    return Started(process, report)


class Ends:
    """The descriptors behind Streams: the child's, by their target, and this side's ends of pipes."""

    def __init__(self) -> None:
        self.child: dict[int, int] = {}
        self.ours: dict[int, int] = {}

    def close(self) -> None:
        """Close the child's ends, and those of this side's that were not handed over."""
        for fd in (*self.child.values(), *self.ours.values()):
            os.close(fd)

    def hand_over(self, process: Process) -> None:
        """Give the process this side's ends; they are its own from here on."""
        for target, (name, mode) in enumerate((("stdin", "wb"), ("stdout", "rb"), ("stderr", "rb"))):
            if target in self.ours:
                setattr(process, name, os.fdopen(self.ours.pop(target), mode, buffering=0))


@contextmanager
def opened_streams(streams: Streams, laid_out: int = LAID_OUT) -> Iterator[Ends]:
    """Open what the streams ask for; close the child's ends again, and ours too unless they were handed over.

    One of this process's own that is closed is /dev/null there. The child's ends lie above those that it lays out by number.
    """
    ends = Ends()
    try:
        for target, stream in enumerate(streams.values()):
            if stream is None:
                if is_inherited(target):
                    continue
                stream = DEVNULL  # else a descriptor of the carrier's own might be taken for it
            if stream == PIPE:
                reader, writer = os.pipe()
                fd, ends.ours[target] = (reader, writer) if target == 0 else (writer, reader)
            elif stream == DEVNULL:
                fd = os.open(os.devnull, os.O_RDWR)
            else:
                fd = _duplicate(stream, STREAM_NAMES[target])
            ends.child[target] = aside(fd, laid_out)
        yield ends
    finally:
        ends.close()


def is_inherited(fd: int) -> bool:
    """Return whether programs that are started find this descriptor open: it is, and not close-on-exec as ours are."""
    try:
        return not fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    except OSError:
        return False


def _duplicate(stream: int | IO[bytes] | IO[str], name: str) -> int:
    try:
        return os.dup(stream if isinstance(stream, int) else stream.fileno())
    except (OSError, OverflowError, ValueError, AttributeError) as error:
        raise InvalidInput(f"{name}: {stream!r} is no open file: {error}; there are PIPE, DEVNULL and descriptors") from None


def aside(fd: int, laid_out: int = LAID_OUT) -> int:
    """Move a descriptor above those that a child lays out by number, unless it is there already."""
    if fd >= laid_out:
        return fd
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, laid_out)
    finally:
        os.close(fd)
