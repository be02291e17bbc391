"""A server: one thread for each connection, one request after another on it.

Threads wait where the kernel waits, so that a handler may read a file, or a body, as any program does.
"""

import selectors
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

import httptools

from labcore.http.message import BadRequest, Body, FilePart, Request, Response

PIECE: Final = 1 << 18
MOST_HEADER_BYTES: Final = 1 << 16
PATIENCE: Final = 60.0  # seconds that a connection may say nothing
MOST_CONNECTIONS: Final = 512
DRAINED: Final = 1 << 20  # bytes of a body that nobody read, so that the connection can go on
Handler = Callable[[Request], Response]


class Server:
    """Serves a listening socket until it is closed. `handler` returns a response, or raises what `failure` makes one of."""

    def __init__(
        self,
        listener: socket.socket,
        handler: Handler,
        failure: Callable[[Request, Exception], Response],
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._listener = listener
        self._handler = handler
        self._failure = failure
        self._tls = tls
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._stop, self._stopped = socket.socketpair()

    def serve(self) -> None:
        """Accept connections until `close`."""
        self._listener.setblocking(False)
        with self._listener, self._stop, self._stopped, selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._stopped, selectors.EVENT_READ)
            while not any(key.fileobj is self._stopped for key, _ in selector.select()):
                with suppress(OSError):
                    connection, _ = self._listener.accept()
                    self._room.acquire()
                    thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                    self._connections[thread] = connection
                    thread.start()

    def start(self) -> threading.Thread:
        """Serve in a thread of its own, and return that."""
        thread = threading.Thread(target=self.serve, daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Accept no more, and end all connections; return when all is let go of."""
        with suppress(OSError):  # it has ended already
            self._stop.send(b"!")
        for thread, connection in list(self._connections.items()):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(PATIENCE)
            if connection.family in (socket.AF_INET, socket.AF_INET6):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            secured = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with secured:
                Conversation(secured, self._handler, self._failure).hold()
        except OSError:  # it has gone away, or does not speak TLS
            pass
        finally:
            connection.close()
            self._connections.pop(threading.current_thread(), None)
            self._room.release()


class Conversation:
    """The requests of one connection, and the answers to them."""

    def __init__(
        self,
        connection: socket.socket,
        handler: Handler,
        failure: Callable[[Request, Exception], Response],
    ) -> None:
        self._connection = connection
        self._handler = handler
        self._failure = failure

    def hold(self) -> None:
        """Answer requests until the other side, or an error, ends it."""
        while True:
            incoming = _Incoming(self._connection)
            try:
                request = incoming.receive_head()
            except BadRequest as error:
                self._send(_plain(error), head_only=False, keep=False)
                return
            if request is None:
                return
            response = self._respond(request)
            keep = incoming.keeps_alive() and not (response.length is None and request.headers.get("http-version") == "1.0")
            self._send(response, head_only=request.method == "HEAD", keep=keep)
            if not keep or not incoming.drained():
                return

    def _respond(self, request: Request) -> Response:
        try:
            return self._handler(request)
        except ConnectionError:
            raise
        except Exception as error:
            return self._failure(request, error)

    def _send(self, response: Response, *, head_only: bool, keep: bool) -> None:
        status = HTTPStatus(response.status)
        lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        given = {name.lower() for name in response.headers}
        bodiless = status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        length = response.length
        if not bodiless and "content-length" not in given:
            lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
        if not keep:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if head_only or bodiless:
            self._connection.sendall(head)
        elif isinstance(response.body, bytes):
            self._connection.sendall(head + response.body)
        elif isinstance(response.body, FilePart):
            self._connection.sendall(head)
            self._send_file(response.body)
        else:
            self._connection.sendall(head)
            for piece in response.body:
                if piece:
                    self._connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self._connection.sendall(b"0\r\n\r\n")

    def _send_file(self, part: FilePart) -> None:
        with part.path.open("rb") as file:
            file.seek(part.offset)
            if self._connection.sendfile(file, part.offset, part.length) != part.length:
                raise ConnectionError("the file has become shorter")


class _Incoming:
    """One request, as its bytes come in: httptools calls the `on_...` methods."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[str, str] = {}
        self._header_bytes = self._come = 0
        self._begun = self._head_done = self._done = False
        self._chunks: list[bytes] = []
        self._continue_wanted = self._upgrade_wanted = False

    # --- what httptools calls

    def on_message_begin(self) -> None:
        if self._begun:
            raise BadRequest("a second request came before the first was answered")
        self._begun = True

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > MOST_HEADER_BYTES:
            raise BadRequest("the head is too long", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        self._headers[key] = f"{self._headers[key]},{text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        self._head_done = True
        self._continue_wanted = self._headers.get("expect", "").lower() == "100-continue"

    def on_body(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._come += len(chunk)

    def on_message_complete(self) -> None:
        self._done = True

    # --- what the conversation asks

    def receive_head(self) -> Request | None:
        """Return the request whose head has come; None if the other side has nothing more to say. Raises BadRequest."""
        started = False
        while not self._head_done:
            data = self._receive()
            if not data:
                if started:
                    raise BadRequest("the request ends in its head")
                return None
            started = True
            self._feed(data)
        method = self._parser.get_method().decode()
        headers = {**self._headers, "http-version": self._parser.get_http_version()}
        return Request(method, self._target.decode("latin-1"), headers, Body(self._more))

    def keeps_alive(self) -> bool:
        """Return whether the other side wants to go on, and in HTTP/1.1."""
        return bool(self._parser.should_keep_alive()) and not self._upgrade_wanted

    def drained(self) -> bool:
        """Read what is left of the body; return whether its end was found soon."""
        if self._continue_wanted:  # it waits for a word that it will not get
            return False
        size = 0
        try:
            while not self._done and size < DRAINED:
                size += len(self._more() or b"")
        except BadRequest:
            return False
        return self._done

    def _more(self) -> bytes | None:
        """Return the next piece of the body, None at its end."""
        if self._continue_wanted and not self._chunks and not self._done:
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._continue_wanted = False
        while not self._chunks:
            if self._done:
                return None
            data = self._receive(self._still_to_come())
            if not data:
                raise ConnectionError("the request ends in its body")
            self._feed(data)
        return self._chunks.pop(0)

    def _still_to_come(self) -> int:
        """Return how much may be read without reading of the next request, which an early answer lets come."""
        length = self._headers.get("content-length", "")
        return min(PIECE, int(length) - self._come) if length.isdigit() else PIECE

    def _receive(self, most: int = PIECE) -> bytes:
        try:
            return self._connection.recv(most)
        except TimeoutError:
            return b""

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # answered as if it were not asked for: RFC 9110, Upgrade
            if self._headers.get("content-length", "0") != "0" or "transfer-encoding" in self._headers:
                raise BadRequest("a request with a body upgrades no connection") from None
            self._upgrade_wanted = self._done = True
        except httptools.HttpParserError as error:
            cause = error.__context__
            raise cause if isinstance(cause, BadRequest) else BadRequest(f"that is no HTTP: {error}") from None


def _plain(error: BadRequest) -> Response:
    return Response(error.status, {"Content-Type": "text/plain"}, f"{error}\n".encode())


def listen(address: str, port: int) -> socket.socket:
    """Return a socket that listens on a TCP port (0: any that is free). Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=128, reuse_port=False)
