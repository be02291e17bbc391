"""The requests of one connection, and the answers to them."""

import socket
import ssl
import time
from collections.abc import Callable, Generator
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from labcore.http.message import BadRequest, FilePart, Pieces, Request, Response
from labcore.http.reader import SOON, Reader, Wait
from labcore.http.request_parser import RequestParser

HANDSHAKE_TIME: Final = 10.0
LINGER: Final = 2.0  # seconds in which what nobody will read is let come, so that the answer is not lost with the connection
COPIED: Final = 1 << 17  # bytes of a file at once
BREAKS: Final = dict.fromkeys(map(ord, "\r\n"), " ")
Handler = Callable[[Request], Response]
Failure = Callable[[Request, Exception], Response]


class Connection:
    """Holds a connection from its first byte on. `handler` returns a response, or raises what `failure` makes one of.

    A thread is needed only while something is done: whoever is waited for, to send a head or to read an answer, costs none.
    While a handler reads a body, it has the thread.
    """

    def __init__(self, connection: socket.socket, tls: ssl.SSLContext | None, handler: Handler, failure: Failure) -> None:
        self.socket = connection
        self.has_begun = False
        self._tls = tls
        self._handler = handler
        self._failure = failure
        self._course = self._talk()

    def hold(self) -> Wait | None:
        """Go on; return what is waited for then, None at the end. Raises OSError, and what the making of a body raises."""
        self.has_begun = True
        return next(self._course, None)

    def close(self) -> None:
        """End it."""
        self._course.close()
        self.socket.close()

    def _talk(self) -> Generator[Wait, None, None]:
        if self.socket.family in (socket.AF_INET, socket.AF_INET6):
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            yield from self._shake_hands(self._tls)
        reader = Reader(self.socket)
        while (yield from self._answer(reader)):
            pass
        yield from reader.part(time.monotonic() + LINGER)

    def _shake_hands(self, tls: ssl.SSLContext) -> Generator[Wait, None, None]:
        secured = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket, deadline = secured, time.monotonic() + HANDSHAKE_TIME
        secured.settimeout(SOON)
        while True:
            try:
                return secured.do_handshake()
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise
                yield Wait.to_read(deadline)

    def _answer(self, reader: Reader) -> Generator[Wait, None, bool]:
        """Answer one request; return whether another one may follow."""
        try:
            incoming = yield from RequestParser.receive(reader)
        except BadRequest as error:
            yield from self._send(reader, _plain(error), None, keep=False)
            return False
        if incoming is None:
            return False
        request = incoming.request
        response = self._respond(request)
        keep = incoming.keeps_alive() and not (response.length is None and _is_old(request))
        yield from self._send(reader, response, request, keep=keep)
        return keep and incoming.drained()

    def _respond(self, request: Request) -> Response:
        try:
            return self._handler(request)
        except ConnectionError:
            raise
        except Exception as error:
            return self._failure(request, error)

    def _send(self, reader: Reader, response: Response, request: Request | None, *, keep: bool) -> Generator[Wait, None, None]:
        if isinstance(response.body, FilePart):
            with response.body.file:
                yield from _send_open(reader, response, request, keep=keep)
        else:
            yield from _send_open(reader, response, request, keep=keep)


def _send_open(reader: Reader, response: Response, request: Request | None, *, keep: bool) -> Generator[Wait, None, None]:
    head, body = _head(response, request, keep=keep), response.body
    if (request and request.method == "HEAD") or _is_bodiless(response):
        yield from reader.send(head)
    elif isinstance(body, bytes):
        yield from reader.send(head + body)
    elif isinstance(body, FilePart):
        yield from reader.send(head)
        yield from _send_file(reader, body)
    elif isinstance(body, Pieces):
        yield from reader.send(head)
        yield from _send_pieces(reader, body)
    else:
        yield from reader.send(head)
        for piece in filter(None, body):
            yield from reader.send(piece if _is_old(request) else f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        yield from reader.send(b"" if _is_old(request) else b"0\r\n\r\n")


def _send_file(reader: Reader, part: FilePart) -> Generator[Wait, None, None]:
    """Copy it: over loopback that takes half of the time of sendfile(2), which hands over page after page."""
    buffer = memoryview(bytearray(min(COPIED, part.length)))
    left = part.length
    part.file.seek(part.offset)
    while left:
        size = part.file.readinto(buffer[:left])
        if not size:
            raise ConnectionError("the file has become shorter")
        yield from reader.send(buffer[:size])
        left -= size


def _send_pieces(reader: Reader, body: Pieces) -> Generator[Wait, None, None]:
    left = body.length
    for piece in body.pieces:
        left -= len(piece)
        if left < 0:
            break
        yield from reader.send(piece)
    if left:
        raise ConnectionError("the body has another length than was said")


def _head(response: Response, request: Request | None, *, keep: bool) -> bytes:
    status = HTTPStatus(response.status)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", _date(int(time.time()))]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if not _is_bodiless(response) and not any(name.lower() == "content-length" for name in response.headers):
        if response.length is not None:
            lines.append(f"Content-Length: {response.length}")
        elif not _is_old(request):
            lines.append("Transfer-Encoding: chunked")
    if not keep:
        lines.append("Connection: close")
    elif _is_old(request):
        lines.append("Connection: keep-alive")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:  # no header's value begins another line
        head = "\r\n".join(line.translate(BREAKS) for line in lines)
    return (head + "\r\n\r\n").encode("latin-1", "replace")


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT", time.gmtime(second))


def _is_bodiless(response: Response) -> bool:
    return response.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


def _is_old(request: Request | None) -> bool:
    return request is not None and request.headers["http-version"] == "1.0"


def _plain(error: BadRequest) -> Response:
    return Response(error.status, {"Content-Type": "text/plain"}, f"{error}\n".encode())
