"""A request as its bytes come in (RFC 9112): the head, read by httptools, and a body that ends where the head says.

Where one request ends and the next begins is decided here alone, and what leaves that open is refused: else two servers in a
row could be made to see different requests in the same bytes.
"""

import re
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import Final, Self

import httptools

from labcore.http.client import Client
from labcore.http.exceptions import ClientDisconnect, HTTPException
from labcore.http.message import Body, Request
from labcore.http.reader import CHUNK, CHUNK_SIZE, IO_TIMEOUT_SECONDS, Reader, Wait

MAX_HEADER_BYTES: Final = 1 << 16
HEAD_TIMEOUT_SECONDS: Final = 30.0  # for the whole head, however slowly it drips
MIN_BYTES_PER_SECOND: Final = 256  # who sends less of a body for long only wants to hold a thread
DRAIN_MAX_BYTES: Final = 1 << 20  # of a body that nobody read, so that the connection can go on
DRAIN_TIMEOUT_SECONDS: Final = 5.0
BEGIN: Final = re.compile(rb"[A-Za-z\r\n]")
LENGTH: Final = re.compile(r"[0-9]{1,18}")


class _Head:
    """What a head says: httptools calls the `on_...` methods."""

    def __init__(self) -> None:
        self.target = b""
        self.headers: dict[str, str] = {}
        self.ended = self.keeps_alive = False
        self.parser = httptools.HttpRequestParser(self)

    def feed(self, lines: bytes) -> None:
        try:
            self.parser.feed_data(lines)
        except httptools.HttpParserUpgrade:
            pass  # answered as if it were not asked for: RFC 9110, Upgrade
        except httptools.HttpParserInvalidMethodError:
            raise HTTPException("no such method is known", HTTPStatus.NOT_IMPLEMENTED) from None
        except httptools.HttpParserError as error:
            raise HTTPException(f"that is no HTTP: {error}") from None

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        self.headers[key] = f"{self.headers[key]},{text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        self.ended = True
        self.keeps_alive = self.parser.should_keep_alive()  # later on it has been forgotten


class RequestParser:
    """One request, and how its body is framed."""

    def __init__(self, reader: Reader, client: Client, head: _Head) -> None:
        self._reader = reader
        self._client = client
        self._parser = head.parser
        self._headers = head.headers
        self._keeps_alive = head.keeps_alive
        self._done = self._broken = self._continue_wanted = False
        self._come = 0
        self._invited = 0.0
        self.request = self._understood(head.target.decode("latin-1"))

    @classmethod
    def receive(cls, reader: Reader, client: Client) -> Generator[Wait, None, Self | None]:
        """Return the request whose head comes next; None if the other side has nothing more to say. Raises HTTPException."""
        if not reader.ahead and not (yield from reader.fill(time.monotonic() + IO_TIMEOUT_SECONDS)):
            return None
        if not BEGIN.fullmatch(reader.first):  # most likely TLS, whose greeting has no lines
            raise HTTPException("that is no HTTP")
        head, room, deadline = _Head(), MAX_HEADER_BYTES, time.monotonic() + HEAD_TIMEOUT_SECONDS
        while not head.ended:  # whole lines: what follows the last one is not the head's
            lines = yield from reader.read_head(room, deadline)
            room -= len(lines)
            head.feed(lines)
        return cls(reader, client, head)

    def _understood(self, target: str) -> Request:
        headers, version = self._headers, self._parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise HTTPException(f"HTTP/{version} is not spoken here", HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
        if version == "1.1" and ("host" not in headers or "," in headers["host"]):
            raise HTTPException("exactly one Host is wanted")
        expected = headers.get("expect", "100-continue").lower()
        if expected != "100-continue":
            raise HTTPException(f"Expect: {expected}", HTTPStatus.EXPECTATION_FAILED)
        self._continue_wanted = "expect" in headers and version == "1.1"
        pieces = self._framed()
        method = self._parser.get_method().decode()
        body = Body(lambda: self._next(pieces))
        return Request(method, target, {**headers, "http-version": version}, body, self._client)

    def _next(self, pieces: Iterator[bytes]) -> bytes | None:
        """Return the next piece of the body, None at its end, which must be found."""
        if self._broken:
            raise HTTPException("the body's end cannot be found")
        self._broken = True  # unless it goes well
        piece = next(pieces, None)
        self._broken = False
        return piece

    def _framed(self) -> Iterator[bytes]:
        """Return the body, framed as the head says."""
        coding, length = self._headers.get("transfer-encoding"), self._headers.get("content-length")
        if coding is not None:
            if length is not None or self._parser.get_http_version() == "1.0":
                raise HTTPException("the body's end cannot be told")
            if coding.lower() != "chunked":
                raise HTTPException(f"Transfer-Encoding: {coding}", HTTPStatus.NOT_IMPLEMENTED)
            return self._chunks()
        if length is not None and not LENGTH.fullmatch(length):
            raise HTTPException(f"Content-Length: {length}")
        self._done = not int(length or 0)
        return self._sized(int(length or 0))

    def _sized(self, left: int) -> Iterator[bytes]:
        self._invite()
        while left:
            piece = self._more(left)
            left -= len(piece)
            self._done = not left
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        self._invite()
        while (whole := self._reader.read_chunks()) or (size := self._chunk_size()):
            if whole:
                yield self._counted(whole)
                continue
            while size:
                piece = self._more(size)
                size -= len(piece)
                yield piece
            if self._line(2) != b"\r\n":
                raise HTTPException("a chunk is longer than it says")
        room = MAX_HEADER_BYTES
        while (line := self._line(room)) != b"\r\n":  # trailers, which nobody here asks for
            room -= len(line)
        self._done = True

    def _chunk_size(self) -> int:
        line = self._line(4096)
        match = CHUNK.fullmatch(line)
        if match is None:
            raise HTTPException("a chunk's length is wanted")
        return int(match[1], 16)

    def _invite(self) -> None:
        if self._continue_wanted and not self._reader.ahead:
            self._reader.send_now(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._continue_wanted = False
        self._invited = time.monotonic()

    def _more(self, most: int) -> bytes:
        return self._counted(self._reader.read(min(most, CHUNK_SIZE)))

    def _counted(self, piece: bytes) -> bytes:
        self._come += len(piece)
        if not piece or self._drips():
            raise ClientDisconnect("the request ends in its body, or drips")
        return piece

    def _drips(self) -> bool:
        expected = MIN_BYTES_PER_SECOND * (time.monotonic() - self._invited - IO_TIMEOUT_SECONDS)
        return self._come < expected and not self._reader.may_rest

    def _line(self, most: int) -> bytes:
        try:
            return self._reader.read_line_now(most)
        except HTTPException:
            raise HTTPException("a chunk is not as long as it says, or does not say how long it is") from None

    def has_no_body(self) -> bool:
        """Return whether nothing follows the head, as it says."""
        return self._done

    def keeps_alive(self) -> bool:
        """Return whether the other side wants to go on, and can: nobody waits for a word, and the body's end can be found."""
        return self._keeps_alive and not self._broken and (self._done or not self._continue_wanted)

    def drained(self) -> bool:
        """Read what is left of the body; return whether its end was found soon."""
        if self._done:
            return True
        size, deadline = 0, time.monotonic() + DRAIN_TIMEOUT_SECONDS
        with suppress(HTTPException):
            while not self._done and size < DRAIN_MAX_BYTES and time.monotonic() < deadline:
                size += len(self.request.body.read(CHUNK_SIZE))
        return self._done
