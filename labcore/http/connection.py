"""A connection: its requests one after another, and the answers to them."""

import socket
import ssl
import time
from collections.abc import Callable, Generator
from contextlib import closing
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import Final

from labcore.http.client import Client
from labcore.http.exceptions import HTTPException
from labcore.http.message import App, Request, Response, Upgrade
from labcore.http.middleware import ExceptionMiddleware, plain_text
from labcore.http.raw_stream import RawStream
from labcore.http.reader import POLL_SECONDS, Reader, Wait
from labcore.http.request_parser import RequestParser
from labcore.http.response_writer import send_response, upgrade_head
from labcore.record import Record

HANDSHAKE_TIMEOUT_SECONDS: Final = 10.0
LINGER_SECONDS: Final = 2.0  # for what nobody will read to come: else the answer could be lost with the connection
KEEPALIVE_SECONDS: Final = 30  # of silence, after which TCP asks whether the other machine is still there
KEEPALIVE_PROBES: Final = 4


class Service(Record):
    """What answers the requests of all connections.

    `is_long_running` tells the requests that may take, and rest, for any time; no more of them at once than `slots` has.
    `is_instant` tells those for which the app waits for nothing.
    """

    app: App
    is_long_running: Callable[[Request], bool]
    is_instant: Callable[[Request], bool]
    slots: BoundedSemaphore
    tls: ssl.SSLContext | None


class Connection:
    """Holds a connection from its first byte on.

    A thread is needed only while something is done: whoever is waited for, to send a head or to read an answer, costs none.
    While a handler works or reads a body, it has the thread; while `long_running`, one that is no ordinary request's. While it
    `awaits_head`, whoever watches over many connections may go on with it, nonblocking: instant requests are answered so.
    """

    def __init__(self, connection: socket.socket, client: Client, service: Service) -> None:
        self.socket = connection
        self.client = client
        self.has_begun = self.long_running = False
        self.awaits_head = service.tls is None
        self.request: Request | None = None  # the one that is being answered
        self._service = service
        self._app = ExceptionMiddleware(self._call)
        self._reader = Reader(connection)
        self._steps = self._talk()

    def resume(self, *, nonblocking: bool = False) -> Wait | None:
        """Go on; return what is waited for then, None at the end. Raises OSError, and what streams and upgrades raise."""
        self.has_begun = True
        self._reader.nonblocking = nonblocking
        return next(self._steps, None)

    def close(self) -> None:
        """End it."""
        self._steps.close()
        self.client.close()
        self.socket.close()

    def _talk(self) -> Generator[Wait, None, None]:
        if self.socket.family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._service.tls:
            yield from self._shake_hands(self._service.tls)
            self._reader = Reader(self.socket)
        reader = self._reader
        while (yield from self._answer_next(reader)):
            if reader.nonblocking and reader.ahead:  # who says much at once does not keep everybody waiting
                yield Wait.for_a_thread()
        yield from reader.lingering_close(time.monotonic() + LINGER_SECONDS)

    def _shake_hands(self, tls: ssl.SSLContext) -> Generator[Wait, None, None]:
        secured = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket, deadline = secured, time.monotonic() + HANDSHAKE_TIMEOUT_SECONDS
        secured.settimeout(POLL_SECONDS)
        while True:
            try:
                return secured.do_handshake()
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise
                yield Wait.to_read(deadline)

    def _answer_next(self, reader: Reader) -> Generator[Wait, None, bool]:
        """Answer one request; return whether another one may follow."""
        self.awaits_head = self._service.tls is None
        try:
            incoming = yield from RequestParser.receive(reader, self.client)
        except HTTPException as error:
            self.awaits_head = False
            yield from send_response(reader, plain_text(error.status, str(error)), None, keep=False)
            return False
        self.awaits_head = False
        if incoming is None:
            return False
        if not self._service.is_long_running(incoming.request):
            if reader.nonblocking and not (incoming.has_no_body() and self._service.is_instant(incoming.request)):
                yield Wait.for_a_thread()
            return (yield from self._answer(reader, incoming))
        if not self._service.slots.acquire(blocking=False):
            yield from send_response(reader, _too_many(), incoming.request, keep=False)
            return False
        return (yield from self._answer_long_running(reader, incoming))

    def _answer_long_running(self, reader: Reader, incoming: RequestParser) -> Generator[Wait, None, bool]:
        """Answer it in a thread of the other pool, and come back."""
        self._keep_alive()
        self.long_running = reader.may_rest = True
        try:
            yield Wait.for_a_thread()
            another = yield from self._answer(reader, incoming)
        finally:
            self.long_running = reader.may_rest = False
            self._service.slots.release()
        if another:
            yield Wait.for_a_thread()
        return another

    def _answer(self, reader: Reader, incoming: RequestParser) -> Generator[Wait, None, bool]:
        self.request = request = incoming.request
        try:
            response = self._app(request)
            if isinstance(response, Upgrade):
                yield from self._upgrade(reader, incoming, response)
                return False
            if isinstance(response.body, bytes):  # nothing is left to be done that could be ended
                self.client.forget()
            keep = incoming.keeps_alive() and not (response.length is None and request.headers["http-version"] == "1.0")
            yield from send_response(reader, response, request, keep=keep)
        except BaseException:  # it has gone, or the server lets go of it: a stream that has not begun frees nothing itself
            self.client.notify()
            raise
        finally:
            self.client.forget()
            self.request = None
        reader.may_rest = False
        return keep and incoming.drained()

    def _call(self, request: Request) -> Response | Upgrade:
        response = self._service.app(request)
        if isinstance(response, Upgrade) and not self.long_running:
            raise TypeError(f"{request.method} {request.path} is upgraded: its route has to be a long-running one")
        return response

    def _upgrade(self, reader: Reader, incoming: RequestParser, upgrade: Upgrade) -> Generator[Wait, None, None]:
        with closing(upgrade):
            yield from self._serve_upgraded(reader, incoming, upgrade)

    def _serve_upgraded(self, reader: Reader, incoming: RequestParser, upgrade: Upgrade) -> Generator[Wait, None, None]:
        reader.may_rest = False
        if not incoming.drained():
            refusal = plain_text(HTTPStatus.BAD_REQUEST, "the body has to end before the connection is upgraded")
            yield from send_response(reader, refusal, incoming.request, keep=False)
            return
        yield from reader.send(upgrade_head(upgrade, incoming.request))
        self.client.allow_half_close()
        stream = RawStream(self.socket, reader.read_ahead())
        try:
            upgrade.serve(stream)
        finally:
            stream.close()

    def _keep_alive(self) -> None:
        """Have the kernel find out when the other machine is no more: no limit of silence will."""
        if self.socket.family != socket.AF_UNIX:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_SECONDS)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)


def _too_many() -> Response:
    sentence = "too many long-running requests (attach, logs, events, …) are under way; end some, or try again later"
    return plain_text(HTTPStatus.SERVICE_UNAVAILABLE, sentence, {"Retry-After": "5"})
