"""The requests of one connection, and the answers to them."""

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from labcore.http.incoming import Incoming
from labcore.http.message import BadRequest, FilePart, Pieces, Request, Response
from labcore.http.wire import PATIENCE, PIECE, Wire

SOON: Final = 0.2  # seconds in which the next request is waited for, before the thread has other things to do
HANDSHAKE_TIME: Final = 10.0
LINGER: Final = 2.0  # seconds in which what nobody will read is let come, so that the answer is not lost with the connection
COPIED: Final = 1 << 17  # bytes of a file at once
BREAKS: Final = dict.fromkeys(map(ord, "\r\n"), " ")
Handler = Callable[[Request], Response]
Failure = Callable[[Request, Exception], Response]


class Conversation:
    """Holds a connection from its first byte on. `handler` returns a response, or raises what `failure` makes one of."""

    def __init__(self, connection: socket.socket, tls: ssl.SSLContext | None, handler: Handler, failure: Failure) -> None:
        self.connection = connection
        self._tls = tls
        self._handler = handler
        self._failure = failure
        self._wire: Wire | None = None

    def hold(self) -> bool:
        """Answer requests; return whether more may come later on. Raises OSError."""
        wire = self._wire = self._wire or self._begin()
        while self._answer(wire):
            if wire.rests(SOON):
                return True
        self._part()
        return False

    def close(self) -> None:
        """End it."""
        self.connection.close()

    def _begin(self) -> Wire:
        if self.connection.family in (socket.AF_INET, socket.AF_INET6):
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            self.connection.settimeout(HANDSHAKE_TIME)
            self.connection = self._tls.wrap_socket(self.connection, server_side=True)
        return Wire(self.connection)

    def _answer(self, wire: Wire) -> bool:
        """Answer one request; return whether another one may follow."""
        try:
            incoming = Incoming.receive(wire)
        except BadRequest as error:
            self._send(_plain(error), None, keep=False)
            return False
        if incoming is None:
            return False
        request = incoming.request
        response = self._respond(request)
        keep = incoming.keeps_alive() and not (response.length is None and _is_old(request))
        self._send(response, request, keep=keep)
        return keep and incoming.drained()

    def _respond(self, request: Request) -> Response:
        try:
            return self._handler(request)
        except ConnectionError:
            raise
        except Exception as error:
            return self._failure(request, error)

    def _send(self, response: Response, request: Request | None, *, keep: bool) -> None:
        if isinstance(response.body, FilePart):
            with response.body.file:
                self._send_open(response, request, keep=keep)
        else:
            self._send_open(response, request, keep=keep)

    def _send_open(self, response: Response, request: Request | None, *, keep: bool) -> None:
        self.connection.settimeout(PATIENCE)
        head, body = _head(response, request, keep=keep), response.body
        if (request and request.method == "HEAD") or _is_bodiless(response):
            self.connection.sendall(head)
        elif isinstance(body, bytes):
            self.connection.sendall(head + body)
        elif isinstance(body, FilePart):
            self.connection.sendall(head)
            self._send_file(body)
        elif isinstance(body, Pieces):
            self.connection.sendall(head)
            self._send_pieces(body)
        else:
            self.connection.sendall(head)
            for piece in filter(None, body):
                self.connection.sendall(piece if _is_old(request) else f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.connection.sendall(b"" if _is_old(request) else b"0\r\n\r\n")

    def _send_file(self, part: FilePart) -> None:
        """Copy it: over loopback that takes half of the time of sendfile(2), which hands over page after page."""
        buffer = memoryview(bytearray(min(COPIED, part.length)))
        left = part.length
        part.file.seek(part.offset)
        while left:
            size = part.file.readinto(buffer[:left])
            if not size:
                raise ConnectionError("the file has become shorter")
            self.connection.sendall(buffer[:size])
            left -= size

    def _send_pieces(self, body: Pieces) -> None:
        left = body.length
        for piece in body.pieces:
            left -= len(piece)
            if left < 0:
                break
            self.connection.sendall(piece)
        if left:
            raise ConnectionError("the body has another length than was said")

    def _part(self) -> None:
        """Let the other side read the answer: closing with bytes unread would reset the connection under it."""
        deadline = time.monotonic() + LINGER
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                self.connection.settimeout(left)
                if not self.connection.recv(PIECE):
                    return


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
