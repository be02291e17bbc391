"""The log of a shim: records of stdout and stderr, read and followed (csrc/log.h)."""

from __future__ import annotations

import errno
import os
import select
import struct
from contextlib import ExitStack, contextmanager

from labcore import native
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO, Final

    from labcore.native import Process

HEADER: Final = struct.Struct("=QQII")  # struct log_header in csrc/log.h
MOST: Final = 1 << 16  # bytes in one record
STREAMS: Final = {1: "stdout", 2: "stderr"}
IN_MODIFY, IN_MOVED_TO, IN_CREATE = 0x2, 0x80, 0x100  # linux/inotify.h
EVENTS_BYTES: Final = 4096
LOOK_AGAIN_MS: Final = 50  # where the user has no inotify instance left: how late what was written is seen


class LogRecord(Record):
    """A piece of output: which stream, when it was read (ns since 1970), and how many bytes before it were lost."""

    stream: str
    time: int
    data: bytes
    lost: int = 0


class Reader:
    """Reads records one after another, and over to the next file when the log was turned over."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._next: int | None = None  # where in the whole output the next record should begin
        self._files: list[BinaryIO] = [path.open("rb") for path in self._oldest_first()]

    def _oldest_first(self) -> list[Path]:
        turned = sorted(self._directory.glob("log.*"), key=lambda path: int(path.suffix[1:]), reverse=True)
        return [*turned, *self._directory.glob("log")]

    def available(self) -> Iterator[LogRecord]:
        """Yield what is there now."""
        while self._files:
            while (record := self._read(self._files[0])) is not None:
                yield record
            if len(self._files) == 1 and not self._turned_over():
                return
            self._files.pop(0).close()

    def _read(self, file: BinaryIO) -> LogRecord | None:
        """Read one record; None if there is no whole one: the rest of it may come yet, or never."""
        start = file.tell()
        head = file.read(HEADER.size)
        if len(head) == HEADER.size:
            time, offset, size, stream = HEADER.unpack(head)
            data = file.read(size) if size <= MOST else b""
            if len(data) == size:
                # An offset below what was expected is a new start of the container, which counts anew.
                lost = max(0, offset - self._next) if self._next is not None else 0
                self._next = offset + size
                return LogRecord(STREAMS.get(stream, str(stream)), time, data, lost)
        file.seek(start)
        return None

    def _turned_over(self) -> bool:
        """Look whether the newest file has become an older one; then read on in those that came after it."""
        last = os.fstat(self._files[-1].fileno())
        newer: list[BinaryIO] = []
        for path in reversed(self._oldest_first()):
            file: BinaryIO = path.open("rb")
            if os.path.samestat(os.fstat(file.fileno()), last):
                file.close()
                break
            newer.insert(0, file)
        self._files += newer
        return bool(newer)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()


def records(directory: Path) -> Iterator[LogRecord]:
    """Yield the records that are there, oldest first."""
    reader = Reader(directory)
    try:
        yield from reader.available()
    finally:
        reader.close()


def follow(directory: Path, process: Process) -> Iterator[LogRecord]:
    """Yield the records that are there and that come, until the container's monitor has ended."""
    with ExitStack() as undo:
        undo.callback(process.release)
        poller = select.poll()
        poller.register(process.fileno(), select.POLLHUP)
        watch = undo.enter_context(_watched(directory))
        if watch is not None:
            poller.register(watch, select.POLLIN)
        reader = Reader(directory)
        undo.callback(reader.close)
        gone = False
        while True:
            yield from reader.available()
            if gone:
                return
            for fd, events in poller.poll(None if watch is not None else LOOK_AGAIN_MS):
                gone = gone or bool(events & select.POLLHUP)
                if fd == watch:
                    os.read(fd, EVENTS_BYTES)  # that something has come is enough


@contextmanager
def _watched(directory: Path) -> Iterator[int | None]:
    """Yield a descriptor that tells when a log of this directory grows or is turned over; None if there is none to be had."""
    try:
        fd = native.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        yield None
        return
    try:
        native.inotify_add_watch(fd, os.fspath(directory), IN_MODIFY | IN_MOVED_TO | IN_CREATE)
        yield fd
    finally:
        os.close(fd)
