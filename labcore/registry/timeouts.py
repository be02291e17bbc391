"""How long a peer is waited for: what it sends must come at some rate, and a head must end."""

import http.client
import io
import socket
import time
from typing import Any, Final

IO_TIMEOUT_SECONDS: Final = 60.0  # seconds without a byte; and how long a peer may be slow
SLOWEST: Final = 1024  # bytes a second
HEAD_MAX: Final = 1 << 18
CHUNK_SIZE: Final = 1 << 18


class TooMuch(http.client.HTTPException):
    """An answer's head that does not end."""


class Watched(http.client.HTTPResponse):
    """An answer whose head must end soon, once it has begun, and whose bytes must come at some rate.

    A proxy's answer is read by http.client without `begin`: all is head until that is done.
    """

    def __init__(self, sock: socket.socket, *args: Any, timeout: float, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self._rate = _Rate(self.fp.detach(), timeout)
        self.fp = io.BufferedReader(self._rate, CHUNK_SIZE)

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        self._rate.head_has_come()


class _Rate(io.RawIOBase):
    """A stream that fails when it has been too slow for too long, counting only the time in which it was waited for."""

    def __init__(self, raw: io.RawIOBase, timeout: float) -> None:
        self._raw = raw
        self._timeout = timeout
        self._waited = 0.0
        self._come = 0
        self._head_left: int | None = HEAD_MAX
        self._head_until = 0.0

    def head_has_come(self) -> None:
        """From now on it is the body that comes."""
        self._head_left = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read into a buffer. Raises TimeoutError, TooMuch."""
        begun = time.monotonic()
        size = self._raw.readinto(buffer)
        if not self._come:  # until the first byte, the socket's own time limit holds: it may have much to do
            begun = time.monotonic()
        self._waited += time.monotonic() - begun
        self._come += size or 0
        if self._waited > self._timeout:
            if size and self._come < SLOWEST * self._waited:
                raise TimeoutError(f"it sends less than {SLOWEST} bytes a second")
            self._waited, self._come = 0.0, 1
        if self._head_left is not None:
            self._watch_head(size or 0)
        return size

    def _watch_head(self, size: int) -> None:
        assert self._head_left is not None
        self._head_left -= size
        self._head_until = self._head_until or time.monotonic() + self._timeout
        if self._head_left < 0:
            raise TooMuch("the answer's head does not end")
        if time.monotonic() > self._head_until:
            raise TimeoutError(f"the answer's head has not come within {self._timeout:.0f} s")

    def close(self) -> None:
        """Close what it reads from."""
        if not self.closed:
            self._raw.close()
        super().close()
