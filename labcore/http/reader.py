"""The bytes of a connection: read as they come, and sent as they are taken."""

import math
import re
import selectors
import socket
import ssl
import struct
import sys
import time
from collections.abc import Generator
from http import HTTPStatus
from typing import Final, NamedTuple

from labcore.http.exceptions import ClientDisconnect, HTTPException

CHUNK_SIZE: Final = 1 << 18
IO_TIMEOUT_SECONDS: Final = 60.0  # of silence of the other side in the middle of something
POLL_SECONDS: Final = 0.2  # for the other side, before the thread has other things to do
POLL_AGAIN_SECONDS: Final = 0.01  # … if that was in vain once
TIMEVAL: Final = struct.Struct("@ll")
BLANK_LINE: Final = re.compile(rb"^\r?\n", re.MULTILINE)
CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]{0,4000})?\r\n")
MAX_CHUNKS: Final = 1024  # that are handed on in one piece


class Wait(NamedTuple):
    """What is waited for without a thread: that a socket can be read from or written to, and until when at most.

    `held` is how many bytes are kept in memory meanwhile. Without events only a thread of the right kind is waited for.
    """

    events: int
    until: float
    held: int = 0

    @classmethod
    def to_read(cls, until: float) -> "Wait":
        """Wait for bytes, or the end."""
        return cls(selectors.EVENT_READ, until)

    @classmethod
    def to_write(cls, until: float, held: int) -> "Wait":
        """Wait for room."""
        return cls(selectors.EVENT_WRITE, until, held)

    @classmethod
    def for_a_thread(cls) -> "Wait":
        """Go on at once, in a thread of the pool that the connection belongs to now."""
        return cls(0, math.inf)


class Reader:
    """The bytes that come on a connection, with what was read of them before it was wanted.

    What returns a generator yields where it would block for long, or at all while `nonblocking`; it is gone on with when what
    it waits for is there, or is overdue, in whatever thread. The other methods block. With `may_rest` there is no limit to the
    silence of the other side.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read = b""
        self._at = 0
        self._timeout = POLL_SECONDS
        self._limited = 0.0
        self.may_rest = self.nonblocking = False

    @property
    def _idle_timeout(self) -> float:
        return math.inf if self.may_rest else IO_TIMEOUT_SECONDS

    @property
    def ahead(self) -> bool:
        """Return whether more has come than was taken."""
        return self._at < len(self._read)

    @property
    def first(self) -> bytes:
        """Return the byte that comes next, which stays; nothing if none has come."""
        return self._read[self._at : self._at + 1]

    def read(self, most: int) -> bytes:
        """Return some bytes; nothing at the end, or if nothing came in time."""
        return self.read_ahead(most) or self._receive(most, self._idle_timeout) or b""

    def read_ahead(self, most: int = sys.maxsize) -> bytes:
        """Return what has come already and was not taken."""
        piece = self._read[self._at : self._at + most]
        self._at += len(piece)
        return piece

    def read_chunks(self) -> bytes:
        """Return the content of the chunks that have come whole (RFC 9112, 7.1), in one piece; the last, empty one stays."""
        view = memoryview(self._read)
        pieces: list[memoryview] = []
        while len(pieces) < MAX_CHUNKS and (head := CHUNK.match(self._read, self._at)):
            end = head.end() + int(head[1], 16)
            if end == head.end() or self._read[end : end + 2] != b"\r\n":
                break
            pieces.append(view[head.end() : end])
            self._at = end + 2
        return b"".join(pieces)

    def fill(self, deadline: float) -> Generator[Wait, None, bool]:
        """Wait for more; return whether some came: not at the end, and not after the deadline."""
        while (data := self._receive(CHUNK_SIZE, self._timeout)) is None:
            if time.monotonic() > deadline:
                return False
            if not self.nonblocking:
                self._timeout = POLL_AGAIN_SECONDS
            yield Wait.to_read(deadline)
        self._read, self._at = self._read[self._at :] + data, 0
        return bool(data)

    def read_head(self, most: int, deadline: float) -> Generator[Wait, None, bytes]:
        """Return the lines that have come, at least one, and at most up to a blank one; with their ends.

        Raises HTTPException for what is longer, breaks off or takes too long.
        """
        while (lines := self._taken(self._end_of_lines(), most)) is None:
            if not (yield from self.fill(deadline)):
                raise HTTPException("the request breaks off, or takes too long", HTTPStatus.REQUEST_TIMEOUT)
        return lines

    def read_line_now(self, most: int) -> bytes:
        """Return a line with its end, and block until it has come. Raises HTTPException as `read_head` does."""
        deadline = time.monotonic() + self._idle_timeout
        while (line := self._taken(self._read.find(b"\n", self._at) + 1, most)) is None:
            data = self._receive(CHUNK_SIZE, deadline - time.monotonic())
            if not data:
                raise HTTPException("the request breaks off, or takes too long", HTTPStatus.REQUEST_TIMEOUT)
            self._read, self._at = self._read[self._at :] + data, 0
        return line

    def send_now(self, data: bytes) -> None:
        """Send bytes."""
        self._limit(IO_TIMEOUT_SECONDS)
        self._connection.sendall(data)

    def send(self, data: bytes | memoryview) -> Generator[Wait, None, None]:
        """Send bytes. Raises ConnectionError if none of them are taken for too long."""
        left, deadline = memoryview(data), time.monotonic() + self._idle_timeout
        if not self.nonblocking:
            self._limit(self._timeout)
        while left:
            try:
                left = left[self._connection.send(left, socket.MSG_DONTWAIT if self.nonblocking else 0) :]
                deadline = time.monotonic() + self._idle_timeout
            except (TimeoutError, BlockingIOError):
                if time.monotonic() > deadline:
                    raise ConnectionError("nobody reads the answer") from None
                yield Wait.to_write(deadline, len(data))
                self._timeout = POLL_AGAIN_SECONDS
                if not self.nonblocking:
                    self._limit(POLL_AGAIN_SECONDS)

    def lingering_close(self, deadline: float) -> Generator[Wait, None, None]:
        """End what is said, and let come what the other side still says until it hears that.

        Closing with bytes unread would reset the connection under the answer.
        """
        self._connection.shutdown(socket.SHUT_WR)
        self._read, self._at = b"", 0
        while time.monotonic() < deadline and (yield from self.fill(deadline)):
            self._read = b""

    def _end_of_lines(self) -> int:
        """Return where the lines end that have come, at most up to a blank one; 0 if there is none."""
        blank = BLANK_LINE.search(self._read, self._at)
        return blank.end() if blank else self._read.rfind(b"\n", self._at) + 1

    def _taken(self, end: int, most: int) -> bytes | None:
        """Take what has come up to there; None if it has no end yet."""
        lines = self._read[self._at : end or None]
        if len(lines) > most:
            raise HTTPException("the head is too long", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if not end:
            return None
        self._at = end
        return lines

    def _limit(self, seconds: float) -> None:
        """Set the time limit of the socket's calls, if it is another one.

        It is the kernel's, socket(7): Python's own costs a poll(2) before each call, and gives up its lock for that. OpenSSL
        takes a call that is over in time for one to be made again.
        """
        if seconds == self._limited:
            return
        self._limited = seconds
        if isinstance(self._connection, ssl.SSLSocket):
            self._connection.settimeout(None if seconds == math.inf else seconds)
            return
        self._connection.setblocking(True)
        limit = TIMEVAL.pack(0, 0) if seconds == math.inf else TIMEVAL.pack(int(seconds), int(seconds % 1 * 1e6))
        for each in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._connection.setsockopt(socket.SOL_SOCKET, each, limit)

    def _receive(self, most: int, timeout: float) -> bytes | None:
        """Return what comes; nothing at the end, None if nothing came in time. Raises ClientDisconnect."""
        try:
            if self.nonblocking:
                return self._connection.recv(most, socket.MSG_DONTWAIT)
            self._limit(max(timeout, 0.001))
            return self._connection.recv(most)
        except (TimeoutError, BlockingIOError):
            return None
        except OSError as error:
            raise ClientDisconnect(str(error)) from error
