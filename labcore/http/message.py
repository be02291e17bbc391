"""A request as a handler sees it, and the response that it returns."""

import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from io import FileIO
from typing import Final
from urllib.parse import parse_qsl, unquote

from labcore.errors import LabcoreError
from labcore.record import Record

ABSOLUTE: Final = re.compile(r"^https?://[^/?]*", re.IGNORECASE)  # what a client of a proxy puts before the path


class BadRequest(LabcoreError):
    """What came is no HTTP that can be understood, or more than is taken; `status` says which."""

    def __init__(self, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.status = status


class Body:
    """A request's body, read as it comes: at no time is more of it in memory than is asked for."""

    def __init__(self, more: Callable[[], bytes | None]) -> None:
        self._more = more
        self._left = b""
        self._ended = False

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; nothing at the end. Raises ConnectionError, BadRequest."""
        while not self._left and not self._ended:
            chunk = self._more()
            self._ended = chunk is None
            self._left = chunk or b""
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def read_at_most(self, limit: int) -> bytes:
        """Return the whole body. Raises BadRequest if it is longer than the limit."""
        parts, size = [], 0
        while chunk := self.read(1 << 16):
            size += len(chunk)
            if size > limit:
                raise BadRequest(f"the body is longer than {limit} bytes", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            parts.append(chunk)
        return b"".join(parts)


class Request:
    """What came: `headers` by their names in lower case (those of one name joined by commas), `query` by name, its last."""

    def __init__(self, method: str, target: str, headers: Mapping[str, str], body: Body) -> None:
        path, _, query = ABSOLUTE.sub("", target).partition("?")
        self.method = method
        self.target = target
        self.path = unquote(path)
        self._pairs = parse_qsl(query, keep_blank_values=True)
        self.query = dict(self._pairs)
        self.headers = headers
        self.body = body

    def every(self, name: str) -> tuple[str, ...]:
        """Return all values that the query has under one name."""
        return tuple(value for key, value in self._pairs if key == name)


class FilePart(Record):
    """A part of an open file. Whoever sends the response closes it."""

    file: FileIO
    offset: int
    length: int


class Pieces(Record):
    """A body that is made while it is sent, and whose length is known; if it ends too early the connection does, too."""

    pieces: Iterable[bytes]
    length: int


class Response(Record):
    """What is answered. A body of bytes or of a file has a known length; one that is only iterable is sent in chunks."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes | FilePart | Pieces | Iterable[bytes] = b""

    @property
    def length(self) -> int | None:
        """How long the body is; None if that is not known before it has been sent."""
        if isinstance(self.body, bytes):
            return len(self.body)
        return self.body.length if isinstance(self.body, FilePart | Pieces) else None
