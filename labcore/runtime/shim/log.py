"""The log of a shim: records of stdout and stderr, read from either end, and followed (csrc/log.h)."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
from collections import namedtuple
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from labcore import native
from labcore.locks import flock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final, NamedTuple

    from labcore.cancellation import Cancellation
    from labcore.native import Process

    class LogRecord(NamedTuple):
        """A piece of output: which stream, when it was read (ns since 1970), and how many bytes before it were lost.

        A plain tuple: a log can have ten million of them.
        """

        stream: str
        time: int
        data: bytes
        lost: int = 0

else:
    LogRecord = namedtuple("LogRecord", "stream time data lost", defaults=(0,))

HEADER: Final = struct.Struct("=QQII")  # struct log_header in csrc/log.h
TRAILER: Final = struct.Struct("=I")  # how long the whole record is
AROUND: Final = HEADER.size + TRAILER.size
MOST: Final = 1 << 16  # bytes in one record
BLOCK_SIZE: Final = 1 << 18  # bytes that are read at once
STREAMS: Final = {1: "stdout", 2: "stderr"}
IN_MODIFY, IN_MOVED_TO, IN_CREATE = 0x2, 0x80, 0x100  # linux/inotify.h
EVENTS_BYTES: Final = 4096
LOOK_AGAIN_MS: Final = 50  # where the user has no inotify instance left: how late what was written is seen
ATTEMPTS: Final = 100  # to find files, or the end of one, as they are: they are written to, and rotated, meanwhile


class LogReader:
    """Reads a log block by block, and over to the next file when it was rotated. Close it.

    With `is_attached` none is lost to rotation, however late it is read: the container waits (`log_waits` in csrc/log.h).
    """

    def __init__(self, directory: str, *, is_attached: bool = False) -> None:
        self._directory = Path(directory)
        self._is_attached = is_attached
        self._next: int | None = None  # where in the whole output the next record should begin
        self._files = self._newer_than(None)
        self._at = 0  # in the first of them

    def _path(self, number: int) -> Path:
        """Return the path of the newest file (0), or of one that was rotated so many times."""
        return self._directory / (f"log.{number}" if number else "log")

    def available(self) -> Iterator[list[LogRecord]]:
        """Yield what is there now."""
        while self._files or self._rotated():
            while records := self._block():
                yield records
            if len(self._files) == 1:
                if not self._rotated():
                    return
                continue  # more may have come into the old one, before that was found to be one
            os.close(self._files.pop(0))
            self._at = 0

    def _block(self) -> list[LogRecord]:
        """Read some records; none if there is no whole one: the rest of it may come yet, or never."""
        block, at = os.pread(self._files[0], BLOCK_SIZE, self._at), 0
        found: list[LogRecord] = []
        unpack, end, expected = HEADER.unpack_from, len(block), self._next
        while at + AROUND <= end:
            time, offset, size, stream = unpack(block, at)
            begin = at + HEADER.size
            if size > MOST or begin + size + TRAILER.size > end:
                break
            # An offset below what was expected is a new start of the container, which counts anew.
            lost = offset - expected if expected is not None and offset > expected else 0
            expected = offset + size
            found.append(LogRecord(STREAMS.get(stream) or str(stream), time, block[begin : begin + size], lost))
            at = begin + size + TRAILER.size
        self._at += at
        self._next = expected
        return found

    def _rotated(self) -> bool:
        """Look whether the newest file has become an older one; then read on in those that came after it."""
        newer = self._newer_than(os.fstat(self._files[-1]) if self._files else None)
        if newer and self._files and self._is_attached:
            fcntl.flock(self._files[-1], fcntl.LOCK_UN)
        self._files += newer
        return bool(newer)

    def _newer_than(self, last: os.stat_result | None) -> list[int]:
        """Open the files that came after one, the oldest first; it is done again if they are rotated meanwhile."""
        for attempt in range(ATTEMPTS):
            found = self._open_back_to(last)
            if found and self._is_attached:
                flock(found[-1], shared=True)
            is_last = attempt == ATTEMPTS - 1  # as when a shim was killed in the middle: there is no newest file
            if not found or is_last or _is_at(found[-1], self._path(0)):
                break
            _close_all(found)
        if found and last and os.path.samestat(os.fstat(found[0]), last):
            os.close(found.pop(0))
        return found

    def _open_back_to(self, last: os.stat_result | None) -> list[int]:
        """Open files from the newest one back to `last`, in the direction in which a rotation renames them, one at a time."""
        found: list[int] = []
        for number in count():
            try:
                fd = os.open(self._path(number), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                if not self._path(number + 1).exists():
                    break
                continue
            if found and os.path.sameopenfile(fd, found[0]):  # it has got its next name in between
                os.close(fd)
                continue
            found.insert(0, fd)
            if last and os.path.samestat(os.fstat(fd), last):
                break
        return found

    def seek_to_end(self) -> None:
        """Pass over all that is there now."""
        while len(self._files) > 1:
            os.close(self._files.pop(0))
        if self._files:
            self._at = _end_of(self._files[0])

    def seek_to_tail(self, count: int) -> int:
        """Pass over all but the last lines; return how many more there are at the beginning of what is left than `count`."""
        newlines, open_streams, seen = 0, 0, set[int]()
        for number in reversed(range(len(self._files))):
            at = _end_of(self._files[number])
            for start, stream, data in _backwards(self._files[number], at):
                open_streams += stream not in seen and not data.endswith(b"\n")  # a line that is not complete yet counts, too
                seen.add(stream)
                newlines += data.count(b"\n")
                if newlines + open_streams >= count + len(STREAMS):  # the first of each stream may be the rest of one
                    for _ in range(number):
                        os.close(self._files.pop(0))
                    self._at = start
                    return newlines + open_streams - count
        return max(0, newlines + open_streams - count)

    def close(self) -> None:
        """Close the files."""
        _close_all(self._files)


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _close_all(files: list[int]) -> None:
    while files:
        os.close(files.pop())


def _end_of(fd: int) -> int:
    """Return where the last whole record ends."""
    for _ in range(ATTEMPTS):  # one that is being written is seen in part, on some file systems
        size = os.fstat(fd).st_size
        if not size or next(_backwards(fd, size), None):
            return size
    at = 0  # half a record, of a machine that went down: from the beginning on
    while len(head := os.pread(fd, HEADER.size, at)) == HEADER.size:
        following = at + AROUND + HEADER.unpack(head)[2]
        if following > size:
            break
        at = following
    return at


def _backwards(fd: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield the records before a position, the last first: where it begins, its stream, and what is in it."""
    while end >= AROUND:
        (whole,) = TRAILER.unpack(os.pread(fd, TRAILER.size, end - TRAILER.size))
        if not AROUND <= whole <= min(end, MOST + AROUND):
            return
        record = os.pread(fd, whole, end - whole)
        _, _, size, stream = HEADER.unpack_from(record)
        if size + AROUND != whole or stream not in STREAMS:
            return
        end -= whole
        yield end, stream, record[HEADER.size : -TRAILER.size]


@contextmanager
def opened(directory: str, *, is_attached: bool = False) -> Iterator[LogReader]:
    """Open a log."""
    reader = LogReader(directory, is_attached=is_attached)
    try:
        yield reader
    finally:
        reader.close()


def follow(reader: LogReader, directory: str, process: Process, cancelled: Cancellation | None) -> Iterator[list[LogRecord]]:
    """Yield the records that are there and that come, until the container's monitor has ended, or it is `cancelled`."""
    with ExitStack() as undo:
        undo.callback(process.release)
        poller = select.poll()
        poller.register(process.fileno(), select.POLLHUP)
        if cancelled is not None:
            poller.register(cancelled, select.POLLIN)
        watch = undo.enter_context(_watched(directory))
        if watch is not None:
            poller.register(watch, select.POLLIN)
        gone = False
        while not (cancelled and cancelled.is_set):
            yield from reader.available()
            if gone:
                return
            for fd, events in poller.poll(None if watch is not None else LOOK_AGAIN_MS):
                gone = gone or bool(events & select.POLLHUP)
                if fd == watch:
                    os.read(fd, EVENTS_BYTES)  # that something has come is enough


@contextmanager
def _watched(directory: str) -> Iterator[int | None]:
    """Yield a descriptor that tells when a log of this directory grows or is rotated; None if there is none to be had."""
    try:
        fd = native.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        yield None
        return
    try:
        native.inotify_add_watch(fd, directory, IN_MODIFY | IN_MOVED_TO | IN_CREATE)
        yield fd
    finally:
        os.close(fd)
