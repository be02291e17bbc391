"""Connections to a registry and to where it sends its clients, over http.client; they are used again.

A peer that says nothing, or next to nothing, is not waited for: what it sends must come at some rate, and a head must end.
"""

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any, Final
from urllib.parse import urlsplit

from labcore.registry.endpoint import Endpoint, RegistryError

PATIENCE: Final = 60.0  # seconds without a byte; and how long a peer may be slow
SLOWEST: Final = 1024  # bytes a second
HEAD_MAX: Final = 1 << 18
PIECE: Final = 1 << 18
SMALL: Final = 1 << 14
AGENT: Final = "labcore"
Payload = bytes | Callable[[], IO[bytes]] | None


class TooMuch(http.client.HTTPException):
    """An answer's head that does not end."""


class Answer:
    """An answer whose body is read as it comes. Closing it gives the connection back, if all was read."""

    def __init__(self, response: http.client.HTTPResponse, url: str, let_go: Callable[..., None]) -> None:
        self.status = response.status
        self.headers = response.headers
        self.url = url
        self._response = response
        self._let_go = let_go

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes. Raises RegistryError if the connection breaks."""
        try:
            return self._response.read() if size < 0 else self._response.read(size)
        except (OSError, ValueError, http.client.HTTPException) as error:
            cause = str(error) if isinstance(error, TimeoutError) else type(error).__name__
            raise RegistryError(f"{shown(self.url)}: the connection broke off: {cause}") from None

    def read_at_most(self, limit: int) -> bytes:
        """Read the whole body. Raises RegistryError if it is longer than the limit."""
        content = self.read(limit + 1)
        if len(content) > limit:
            raise RegistryError(f"{shown(self.url)}: the answer is longer than {limit} bytes")
        return content

    def close(self) -> None:
        """Let go of it; a rest that is small is read first."""
        if 0 < (self._response.length or 0) <= SMALL:
            with suppress(RegistryError):
                self.read()
        whole = self._response.isclosed()
        self._response.close()
        self._let_go(whole=whole)

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Connections:
    """Those of one transport. Its methods may be called by several threads at once."""

    def __init__(self, endpoint: Endpoint, patience: float = PATIENCE) -> None:
        self._endpoint = endpoint
        self._patience = patience
        self._idle: dict[tuple[str, str], list[http.client.HTTPConnection]] = {}
        self._busy: set[http.client.HTTPConnection] = set()
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: Payload, length: int | None) -> Answer:
        """Send a request and return the answer. Raises OSError, HTTPException, RegistryError, InvalidInput, Unavailable."""
        parts = urlsplit(url)
        key = (parts.scheme, parts.netloc.rpartition("@")[2])
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"User-Agent": AGENT, **headers}
        if length is not None:
            headers["Content-Length"] = str(length)
        again = self._idle_one(key)
        if again:
            try:
                return self._once(again, key, url, method, target, body, headers)
            except (ConnectionError, http.client.BadStatusLine):
                if callable(body):
                    raise
        return self._once(self._new(key), key, url, method, target, body, headers)  # the server had ended it in the meantime

    def shut(self) -> None:
        """Let those fail that are being used."""
        for connection in list(self._busy):
            with suppress(OSError, AttributeError):  # it has no socket yet, or none any more
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End those that nobody uses."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _once(
        self,
        connection: http.client.HTTPConnection,
        key: tuple[str, str],
        url: str,
        method: str,
        target: str,
        body: Payload,
        headers: Mapping[str, str],
    ) -> Answer:
        self._busy.add(connection)
        try:
            response = _exchange(connection, method, target, body, headers)
        except BaseException:
            self._busy.discard(connection)
            connection.close()
            raise

        def let_go(*, whole: bool) -> None:
            self._busy.discard(connection)
            if whole:
                self._idle.setdefault(key, []).append(connection)
            else:
                connection.close()

        return Answer(response, url, let_go)

    def _idle_one(self, key: tuple[str, str]) -> http.client.HTTPConnection | None:
        with self._lock, suppress(IndexError, KeyError):
            return self._idle[key].pop()
        return None

    def _new(self, key: tuple[str, str]) -> http.client.HTTPConnection:
        scheme, host = key
        made: http.client.HTTPConnection
        if scheme == "http":
            made = http.client.HTTPConnection(host, timeout=self._patience, blocksize=PIECE)
        elif scheme == "https":
            context = self._context(own=host == self._endpoint.host)
            made = http.client.HTTPSConnection(host, timeout=self._patience, blocksize=PIECE, context=context)
        else:
            raise RegistryError(f"{self._endpoint.host} leads to {scheme}://{host}, and only http and https are spoken here")
        made.response_class = lambda *args, **named: _Watched(*args, patience=self._patience, **named)  # type: ignore[assignment]
        return made

    def _context(self, *, own: bool) -> ssl.SSLContext:
        with self._lock:
            if own not in self._contexts:  # reading all authorities takes 20 ms
                self._contexts[own] = self._endpoint.context(own=own)
            return self._contexts[own]


def _exchange(
    connection: http.client.HTTPConnection, method: str, target: str, body: Payload, headers: Mapping[str, str]
) -> http.client.HTTPResponse:
    """Send a request and wait for the answer, which may come, and end all, before the whole body has gone."""
    try:
        if callable(body):
            with body() as stream:
                connection.request(method, target, stream, headers)
        else:
            connection.request(method, target, body, headers)
    except (BrokenPipeError, ConnectionResetError):
        with suppress(OSError, http.client.HTTPException):
            return connection.getresponse()
        raise
    return connection.getresponse()


class _Watched(http.client.HTTPResponse):
    """An answer whose bytes must come at some rate."""

    def __init__(self, sock: socket.socket, *args: Any, patience: float, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self._rate = _Rate(self.fp.detach(), patience)
        self.fp = io.BufferedReader(self._rate, PIECE)

    def begin(self) -> None:
        self._rate.left = HEAD_MAX
        super().begin()
        self._rate.left = None


class _Rate(io.RawIOBase):
    """A stream that fails when it has been too slow for too long, counting only the time in which it was waited for."""

    def __init__(self, raw: io.RawIOBase, patience: float) -> None:
        self._raw = raw
        self._patience = patience
        self._waited = 0.0
        self._come = 0
        self.left: int | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        begun = time.monotonic()
        size = self._raw.readinto(buffer)
        if not self._come:  # until the first byte, the socket's own time limit holds: it may have much to do
            begun = time.monotonic()
        self._waited += time.monotonic() - begun
        self._come += size or 0
        if self._waited > self._patience:
            if size and self._come < SLOWEST * self._waited:
                raise TimeoutError(f"it sends less than {SLOWEST} bytes a second")
            self._waited, self._come = 0.0, 1
        if self.left is not None:
            self.left -= size or 0
            if self.left < 0:
                raise TooMuch("the answer's head does not end")
        return size

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def shown(url: str) -> str:
    """Return a URL as it may be shown: what stands behind `?` may be a signature that is as good as a password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
