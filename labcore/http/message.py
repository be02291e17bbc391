"""HTTP messages: the Request that an app is given, and the Response or Upgrade that it returns."""

import re
from collections.abc import Callable, Iterable, Mapping
from io import FileIO
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from labcore.http.exceptions import ContentTooLarge
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:  # a client of registries, which takes errors from here, starts without them
    from labcore.http.client import Client, Credentials
    from labcore.http.raw_stream import RawStream

ABSOLUTE: Final = re.compile(r"^https?://[^/?]*", re.IGNORECASE)  # what a client of a proxy puts before the path


class Body:
    """A request's body, read as it comes: at no time is more of it in memory than is asked for."""

    def __init__(self, more: Callable[[], bytes | None]) -> None:
        self._more = more
        self._piece = b""
        self._at = 0
        self._ended = False

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; nothing at the end. Raises ClientDisconnect, HTTPException."""
        while self._at == len(self._piece) and not self._ended:
            more = self._more()
            self._piece, self._at, self._ended = more or b"", 0, more is None
        taken = self._piece[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def read_at_most(self, limit: int) -> bytes:
        """Return the whole body. Raises ContentTooLarge if it is longer than the limit."""
        parts, size = [], 0
        while chunk := self.read(1 << 16):
            size += len(chunk)
            if size > limit:
                raise ContentTooLarge(limit)
            parts.append(chunk)
        return b"".join(parts)


class Request:
    """What came: `headers` by their names in lower case (those of one name joined by commas), `query` by name, its last.

    `path_params` are those of the whole path, with those of the router's prefix.
    """

    def __init__(self, method: str, target: str, headers: Mapping[str, str], body: Body, client: "Client") -> None:
        path, _, query = (target if target[:1] == "/" else ABSOLUTE.sub("", target)).partition("?")
        self.method = method
        self.target = target
        self.path = unquote(path)
        self.path_params: Mapping[str, str] = {}
        self.match: Any = None  # a router's, once it has found the route
        self._pairs = parse_qsl(query, keep_blank_values=True) if query else []
        self.query = dict(self._pairs)
        self.headers = headers
        self.body = body
        self.client = client

    def every(self, name: str) -> tuple[str, ...]:
        """Return all values that the query has under one name."""
        return tuple(value for key, value in self._pairs if key == name)

    @property
    def credentials(self) -> "Credentials | None":
        """Who asks, if by a unix socket."""
        return self.client.credentials

    @property
    def upgrade(self) -> str:
        """The protocol to which the client wants to change (RFC 9110, 7.8), such as `tcp` or `h2c`; empty if to none."""
        options = [option.strip().lower() for option in self.headers.get("connection", "").split(",")]
        return self.headers.get("upgrade", "") if "upgrade" in options and self.headers["http-version"] != "1.0" else ""

    def is_disconnected(self) -> bool:
        """Return whether the client has gone: one that has ended what it sends has, unless the answer is an Upgrade."""
        return self.client.is_disconnected()

    def on_disconnect(self, callback: Callable[[], object]) -> None:
        """Have it called when the client goes before it is answered: see `Client.on_disconnect`."""
        self.client.on_disconnect(callback)


class FilePart(Record):
    """A part of an open file. Whoever sends the response closes it."""

    file: FileIO
    offset: int
    length: int


class SizedStream(Record):
    """A body that is made while it is sent, and whose length is known; if it ends too early the connection does, too."""

    chunks: Iterable[bytes]
    length: int


class Response(Record):
    """What is answered. A body of bytes or of a file has a known length.

    One that is only iterable is a stream: each of its chunks is sent at once. It is closed in the end, if it has a `close`.
    """

    status: int
    headers: Mapping[str, str] = {}
    body: bytes | FilePart | SizedStream | Iterable[bytes] = b""

    @property
    def length(self) -> int | None:
        """How long the body is; None if that is not known before it has been sent."""
        if isinstance(self.body, bytes):
            return len(self.body)
        return self.body.length if isinstance(self.body, FilePart | SizedStream) else None


class Upgrade(Record):
    """An answer after which the connection carries raw bytes both ways, until `serve` returns or raises.

    It is 101 Switching Protocols if the client asked for an upgrade (whose protocol is echoed), else 200 OK without a length:
    what the Docker Engine API calls hijacking. Only a long-running route may return it. The rest of the body is skipped.
    In the end `close` is called, also if the client was gone before it could be served.
    """

    serve: "Callable[[RawStream], Any]"
    headers: Mapping[str, str] = {}
    close: Callable[[], object] = lambda: None


App = Callable[[Request], Response | Upgrade]
