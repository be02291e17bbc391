"""Timeouts of answers: a minimum rate for the body, bounds of time and size for the head."""

import http.client
import io
import socket
import time
from typing import Any, Final

IO_TIMEOUT_SECONDS: Final = 60.0  # seconds without a byte; and how long a peer may be slow
MIN_BYTES_PER_SECOND: Final = 1024  # bytes a second
HEAD_MAX: Final = 1 << 18
CHUNK_SIZE: Final = 1 << 18


class HeadTooLong(http.client.HTTPException):
    """An answer's head is longer than its bound."""


class TimedResponse(http.client.HTTPResponse):
    """An answer with a time limit for its head and a minimum rate for its body.

    http.client reads a proxy's answer without `begin`: everything counts as head until then.
    """

    def __init__(self, sock: socket.socket, *args: Any, timeout: float, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self._rate = _MinimumRate(self.fp.detach(), timeout)
        self.fp = io.BufferedReader(self._rate, CHUNK_SIZE)

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        self._rate.end_of_head()


class _MinimumRate(io.RawIOBase):
    """A stream that fails when it is below the minimum rate; only the time of waiting in `readinto` counts."""

    def __init__(self, raw: io.RawIOBase, timeout: float) -> None:
        self._raw = raw
        self._timeout = timeout
        self._waited = 0.0
        self._received = 0
        self._head_left: int | None = HEAD_MAX
        self._head_until = 0.0

    def end_of_head(self) -> None:
        """What follows is the body."""
        self._head_left = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read into a buffer. Raises TimeoutError, TooMuch."""
        begun = time.monotonic()
        size = self._raw.readinto(buffer)
        if not self._received:  # until the first byte, the socket's own time limit holds: it may have much to do
            begun = time.monotonic()
        self._waited += time.monotonic() - begun
        self._received += size or 0
        if self._waited > self._timeout:
            if size and self._received < MIN_BYTES_PER_SECOND * self._waited:
                raise TimeoutError(f"it sends less than {MIN_BYTES_PER_SECOND} bytes a second")
            self._waited, self._received = 0.0, 1
        if self._head_left is not None:
            self._limit_head(size or 0)
        return size

    def _limit_head(self, size: int) -> None:
        assert self._head_left is not None
        self._head_left -= size
        self._head_until = self._head_until or time.monotonic() + self._timeout
        if self._head_left < 0:
            raise HeadTooLong("the answer's head does not end")
        if time.monotonic() > self._head_until:
            raise TimeoutError(f"the answer's head has not come within {self._timeout:.0f} s")

    def close(self) -> None:
        """Close what it reads from."""
        if not self.closed:
            self._raw.close()
        super().close()
