"""HTTP/1.1 as a client: request heads, response heads and bodies (RFC 9112), with bounds on all that is not content."""

from __future__ import annotations

from labcore.client.answer import BadAnswer
from labcore.errors import InvalidInput, Unavailable
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from labcore.client.connection import Connection

HEAD_BYTES: Final = 1 << 16
HEADERS_MAX: Final = 256
CHUNK_HEAD_BYTES: Final = 1 << 10
CHUNK_DIGITS: Final = 15
PIECE_BYTES: Final = 1 << 16
INFORMATIONAL_MAX: Final = 8  # answers of 1xx before the one that counts
SWITCHING_PROTOCOLS: Final = 101
WITHOUT_BODY: Final = (204, 304)


def request_head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """Return a request's head. Raises InvalidInput for what would be another request."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    for line in lines:
        if not line.isascii() or not line.isprintable():
            raise InvalidInput(f"{line!r:.200}: no line of an HTTP request")
    if " " in target:
        raise InvalidInput(f"{target!r:.200}: no target of an HTTP request")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class ResponseHead(Record):
    """A response's status and headers, their names in lower case; `is_last`: the connection ends with its body."""

    status: int
    headers: Mapping[str, str]
    is_last: bool


def read_head(connection: Connection) -> ResponseHead | None:
    """Return the head of the response, None if the daemon has closed before it. Raises BadAnswer, Unavailable."""
    for _ in range(INFORMATIONAL_MAX):
        content = connection.read_until(b"\r\n\r\n", HEAD_BYTES, "a head")
        if not content:
            return None
        head = _parsed(content.decode("latin-1"))
        if head.status >= 200 or head.status == SWITCHING_PROTOCOLS:
            return head
    raise BadAnswer(f"more than {INFORMATIONAL_MAX} answers that are none (1xx)")


def _parsed(text: str) -> ResponseHead:
    first, *lines = text.split("\r\n")
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if version not in ("HTTP/1.1", "HTTP/1.0") or not (status.isascii() and status.isdecimal()) or rest[3:4] not in ("", " "):
        raise BadAnswer(f"{first!r:.100} is no answer of HTTP/1.1: no daemon of the Engine API is there")
    if len(lines) > HEADERS_MAX:
        raise BadAnswer(f"an answer has more than {HEADERS_MAX} headers")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name.split() != [name]:
            raise BadAnswer(f"{line!r:.100} is no header")
        name, value = name.lower(), value.strip(" \t")
        if name in ("content-length", "transfer-encoding") and headers.get(name, value) != value:
            raise BadAnswer(f"an answer says {name} twice, and not the same")
        headers[name] = value
    is_last = version == "HTTP/1.0" or "close" in headers.get("connection", "").lower()
    return ResponseHead(int(status), headers, is_last)


class Body:
    """A response's body, read piece by piece as it comes; `is_complete` once its end has been seen."""

    def __init__(self, connection: Connection, head: ResponseHead, *, method: str) -> None:
        self._connection = connection
        self._is_chunked = False
        self._left: int | None = 0  # bytes of the body, or of this chunk; None is until the connection's end
        self.is_complete = False
        encoding, length = head.headers.get("transfer-encoding", ""), head.headers.get("content-length", "")
        if method == "HEAD" or head.status in WITHOUT_BODY:
            self.is_complete = True
        elif encoding:
            if encoding.lower() != "chunked" or length:
                raise BadAnswer(
                    f"Transfer-Encoding {encoding!r:.80} with Content-Length {length!r:.20}: chunked alone is known"
                )
            self._is_chunked = True
        elif length:
            if not (length.isascii() and length.isdecimal() and len(length) <= CHUNK_DIGITS):
                raise BadAnswer(f"Content-Length {length!r:.80}: a number of bytes is wanted")
            self._left = int(length)
            self.is_complete = not self._left
        else:
            self._left = None

    def read(self, size: int = PIECE_BYTES) -> bytes:
        """Return some bytes; nothing at the end. Raises BadAnswer, Unavailable."""
        if self.is_complete:
            return b""
        if self._is_chunked and not self._left:
            self._left = self._next_chunk()
            if not self._left:
                self.is_complete = True
                return b""
        piece = self._connection.read(size if self._left is None else min(size, self._left))
        if self._left is None:
            self.is_complete = not piece
            return piece
        if not piece:
            raise Unavailable("the daemon has closed the connection in the middle of its answer: see its log")
        self._left -= len(piece)
        if not self._left:
            self._end_piece()
        return piece

    def _end_piece(self) -> None:
        if not self._is_chunked:
            self.is_complete = True
        elif self._connection.read_exactly(2) != b"\r\n":
            raise BadAnswer("a chunk does not end where it says")

    def _next_chunk(self) -> int:
        line = self._connection.read_until(b"\r\n", CHUNK_HEAD_BYTES, "a chunk's head").partition(b";")[0].strip()
        if not line:
            raise Unavailable("the daemon has closed the connection in the middle of its answer: see its log")
        if len(line) > CHUNK_DIGITS or line.strip(b"0123456789abcdefABCDEF"):
            raise BadAnswer(f"{line!r:.80} is no size of a chunk")
        size = int(line, 16)
        if not size:
            self._skip_trailers()
        return size

    def _skip_trailers(self) -> None:
        for _ in range(HEADERS_MAX):
            if not self._connection.read_until(b"\r\n", CHUNK_HEAD_BYTES, "a trailer"):
                return
        raise BadAnswer(f"an answer has more than {HEADERS_MAX} trailers")
