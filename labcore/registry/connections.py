"""Connection pool for a registry and for hosts that it redirects to, over http.client with keep-alive."""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Final
from urllib.parse import urlsplit

from labcore.registry.endpoint import Endpoint, RegistryError
from labcore.registry.proxies import proxy_for
from labcore.registry.timeouts import CHUNK_SIZE, IO_TIMEOUT_SECONDS, TimedResponse
from labcore.registry.urls import shown

SMALL: Final = 1 << 14
REACHED: Final = 15.0  # seconds for a connection to come about
AGENT: Final = "labcore"
UPLOADS: Final = ("POST", "DELETE")  # methods that begin and cancel them
Payload = bytes | Callable[[], IO[bytes]] | None


class Unreachable(OSError):
    """The host cannot be reached, or the proxy refuses the connection."""


class IncompleteBody(RegistryError):
    """An answer's body ended early or came too slowly."""


class Answer:
    """An answer whose body is streamed. Closing it returns the connection to the pool if the body was read to its end."""

    def __init__(self, response: http.client.HTTPResponse, url: str, release: Callable[..., None]) -> None:
        self.status = response.status
        self.headers = response.headers
        self.url = url
        self._response = response
        self._release = release

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end. Raises RegistryError if the connection breaks."""
        content = self._read(self._response.read, size)
        return self._checked(content, enough=len(content) == size)

    def read_some(self, most: int) -> bytes:
        """Return the bytes that are there, as soon as there are any; none at the end. Raises RegistryError if it breaks off."""
        content = self._read(self._response.read1, most)
        return self._checked(content, enough=bool(content))

    def _read(self, function: Callable[[int], bytes], size: int) -> bytes:
        try:
            return function(size)
        except (OSError, ValueError, http.client.HTTPException) as error:
            cause = str(error) if isinstance(error, TimeoutError) else type(error).__name__
            raise self._broke_off(cause) from None

    def _checked(self, content: bytes, *, enough: bool) -> bytes:
        if not enough and self._response.length:  # http.client takes that for the end
            raise self._broke_off(f"{self._response.length} bytes before its end")
        return content

    def _broke_off(self, cause: str) -> IncompleteBody:
        return IncompleteBody(f"{shown(self.url)}: the connection broke off: {cause}")

    def read_at_most(self, limit: int) -> bytes:
        """Read the whole body. Raises RegistryError if it is longer than the limit."""
        content = self.read(limit + 1)
        if len(content) > limit:
            raise RegistryError(f"{shown(self.url)}: the answer is longer than {limit} bytes")
        return content

    def close(self) -> None:
        """Release the connection; a small rest of the body is read first."""
        if self._response.length is not None and self._response.length <= SMALL:
            with suppress(RegistryError):
                self.read(SMALL + 1)
        whole = self._response.isclosed()
        self._response.close()
        self._release(whole=whole)

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Connections:
    """The connection pool of one transport; thread-safe."""

    def __init__(self, endpoint: Endpoint, timeout: float = IO_TIMEOUT_SECONDS) -> None:
        self._endpoint = endpoint
        self._timeout = timeout
        self._idle: dict[tuple[str, str], list[http.client.HTTPConnection]] = {}
        self._busy: dict[http.client.HTTPConnection, str] = {}  # with the method of what is asked
        self._aborted = False
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
        idle = self._idle_one(key)
        if idle:
            try:
                return self._once(idle, key, url, method, target, body, headers)
            except (ConnectionError, http.client.BadStatusLine):
                if callable(body):
                    raise
        return self._once(self._new(key), key, url, method, target, body, headers)  # the server had ended it in the meantime

    def abort(self) -> None:
        """Shut down busy connections, except those that begin or cancel an upload, for it would stay at the registry.

        One that is only coming about ends as soon as it has. What is asked from now on may still clean up.
        """
        self._aborted = True
        for connection, method in list(self._busy.items()):
            if method in UPLOADS:
                continue
            with suppress(OSError, AttributeError):  # it has no socket yet, or none any more
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close idle connections."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        try:
            connection.connect()
        except TimeoutError:
            raise Unreachable(f"nothing answered within {connection.timeout:.0f} s") from None
        except (UnicodeError, OverflowError):  # of a name that DNS does not know, of a port that TCP does not
            raise Unreachable(f"{connection.host}:{connection.port} is no address") from None
        connection.sock.settimeout(self._timeout)

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
        self._busy[connection] = method
        cleans_up = self._aborted or method in UPLOADS
        try:
            if connection.sock is None:
                self._connect(connection)
            if self._aborted and not cleans_up:
                raise RegistryError(f"{shown(url)}: it was given up")
            response = _exchange(connection, method, target, body, headers)
        except BaseException:
            self._busy.pop(connection, None)
            connection.close()
            raise

        def release(*, whole: bool) -> None:
            self._busy.pop(connection, None)
            if whole:
                self._idle.setdefault(key, []).append(connection)
            else:
                connection.close()

        return Answer(response, url, release)

    def _idle_one(self, key: tuple[str, str]) -> http.client.HTTPConnection | None:
        with self._lock, suppress(IndexError, KeyError):
            return self._idle[key].pop()
        return None

    def _new(self, key: tuple[str, str]) -> http.client.HTTPConnection:
        scheme, host = key
        if scheme not in ("http", "https"):
            raise RegistryError(f"{self._endpoint.host} leads to {scheme}://{host}, and only http and https are spoken here")
        made: http.client.HTTPConnection
        if scheme == "http":
            made = http.client.HTTPConnection(host, blocksize=CHUNK_SIZE)
        else:
            proxy, context = proxy_for(host), self._context(own=host == self._endpoint.host)
            reached = f"{proxy.host}:{proxy.port}" if proxy else host
            made = http.client.HTTPSConnection(reached, blocksize=CHUNK_SIZE, context=context)
            if proxy:
                made.set_tunnel(host, headers=proxy.headers)
        made.timeout = min(self._timeout, REACHED)
        made.response_class = lambda *args, **named: TimedResponse(*args, timeout=self._timeout, **named)  # type: ignore[assignment]
        return made

    def _context(self, *, own: bool) -> ssl.SSLContext:
        with self._lock:
            if own not in self._contexts:  # reading all authorities takes 20 ms
                self._contexts[own] = self._endpoint.context(own=own)
            return self._contexts[own]


def _exchange(
    connection: http.client.HTTPConnection, method: str, target: str, body: Payload, headers: Mapping[str, str]
) -> http.client.HTTPResponse:
    """Send a request and wait for the answer, which may come before the whole body was sent."""
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
