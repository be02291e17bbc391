"""Transport: requests and their responses on connections that are kept alive, or taken over (Upgrade: tcp)."""

from __future__ import annotations

from _thread import allocate_lock, start_new_thread
from itertools import chain

from labcore.client.answer import BadAnswer
from labcore.client.connection import Connection, NobodyListens, connected
from labcore.client.http1 import SWITCHING_PROTOCOLS, Body, ResponseHead, read_head, request_head
from labcore.errors import Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Final, Self, TypeAlias

    from labcore.client.host import Host

    Content: TypeAlias = "bytes | Iterable[bytes]"

IDLE_MAX: Final = 4  # connections that wait for the next request
REPEATABLE: Final = ("GET", "HEAD")  # what is asked again when a kept connection has just been closed
REFUSED: Final = 400  # the least status of an error
CONTENT_BYTES: Final = 64 << 20  # of an answer that is read whole


class Response:
    """A response: its status, its headers, and its body, which is read or closed before the connection serves again."""

    def __init__(self, head: ResponseHead, body: Body, connection: Connection, transport: Transport) -> None:
        self.status = head.status
        self.headers = head.headers
        self._is_last = head.is_last
        self._body = body
        self._connection: Connection | None = connection
        self._transport = transport

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        with self:
            while piece := self._body.read():
                yield piece

    def read(self, size: int) -> bytes:
        """Return some bytes of the body; nothing at the end. Raises BadAnswer, Unavailable."""
        return self._body.read(size)

    def content(self) -> bytes:
        """Return the whole body. Raises BadAnswer for one of more than 64 MiB."""
        pieces, size = [], 0
        for piece in self:
            pieces.append(piece)
            size += len(piece)
            if size > CONTENT_BYTES:
                raise BadAnswer(f"an answer of more than {CONTENT_BYTES} bytes, where a short one is wanted")
        return b"".join(pieces)

    def close(self) -> None:
        """Let go of it: the connection is kept if all was read, and else closed."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._body.is_complete and not self._is_last:
            self._transport.keep(connection)
        else:
            connection.close()


class Transport:
    """Connections to one host; threads may share it, for each request has a connection of its own.

    Where nobody listens there, `start` is called, which makes somebody listen, and it is tried once more.
    """

    def __init__(self, host: Host, *, start: Callable[[], None] | None = None) -> None:
        self.host = host
        self._start = start
        self._idle: list[Connection] = []
        self._lock = allocate_lock()

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] = {},
        content: Content = b"",
        timeout: float | None = None,
    ) -> Response:
        """Send a request; return the response once its head is there. Raises Unavailable, BadAnswer, InvalidInput.

        Content that is iterated is sent in chunks; a daemon may answer while it reads them (`load`). `timeout`: seconds.
        """
        head = request_head(method, target, self._headers(headers, content))
        while True:
            connection = self._take()
            is_new = connection is None
            connection = connection or self._connected()
            try:
                connection.set_timeout(timeout)
                unsent = _send(connection, head, content)
                answer = read_head(connection)
                if answer is not None:
                    if unsent is not None:
                        answer = answer.replace(is_last=True)
                        if answer.status < REFUSED:
                            start_new_thread(_send_rest, (connection, unsent))
                    return Response(answer, Body(connection, answer, method=method), connection, self)
            except BaseException:
                connection.close()
                raise
            connection.close()
            if is_new or method not in REPEATABLE:
                raise Unavailable(f"{self.host}: the daemon has closed the connection without an answer: see its log")

    def hijack(
        self, target: str, *, headers: Mapping[str, str] = {}, content: bytes = b""
    ) -> tuple[Response, Connection | None]:
        """POST a request that asks for the connection; return the response, and the connection if it is ours now."""
        asked = {**self._headers(headers, content), "Connection": "Upgrade", "Upgrade": "tcp"}
        head = request_head("POST", target, asked)
        connection = self._connected()
        try:
            _send(connection, head, content)
            answer = read_head(connection)
            if answer is None:
                raise Unavailable(f"{self.host}: the daemon has closed the connection without an answer: see its log")
            is_ours = answer.status == SWITCHING_PROTOCOLS or (
                answer.status == 200 and not {"content-length", "transfer-encoding"} & set(answer.headers)
            )
            body = Body(connection, answer, method="HEAD" if is_ours else "POST")
            return Response(answer.replace(is_last=True), body, connection, self), connection if is_ours else None
        except BaseException:
            connection.close()
            raise

    def _connected(self) -> Connection:
        try:
            return connected(self.host)
        except NobodyListens:
            if self._start is None:
                raise
        self._start()
        return connected(self.host)

    def _headers(self, headers: Mapping[str, str], content: Content) -> dict[str, str]:
        host = f"[{self.host.address}]" if ":" in self.host.address else self.host.address
        found = {"Host": host or "localhost", "User-Agent": "labcore", **headers}
        if not isinstance(content, bytes):
            return found | {"Transfer-Encoding": "chunked"}
        return found | {"Content-Length": str(len(content))}

    def _take(self) -> Connection | None:
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if not connection.has_ended:
                    return connection
                connection.close()
        return None

    def keep(self, connection: Connection) -> None:
        """Keep a connection for the next request."""
        with self._lock:
            if len(self._idle) < IDLE_MAX:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close the connections that wait."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()


def _send(connection: Connection, head: bytes, content: Content) -> Iterator[bytes] | None:
    """Send a request; return what is left of it when the daemon answers, or hangs up, before it has read everything."""
    try:
        if isinstance(content, bytes):
            connection.write(head + content)
            return None
        connection.write(head)
        pieces = _chunks(content)
        for piece in pieces:
            if left := connection.write_until_answered(piece):
                return chain([left], pieces)
        return None
    except (BrokenPipeError, ConnectionResetError):  # what it has said before that is read
        return iter(())
    except TimeoutError:
        raise Unavailable("the daemon does not take what it is sent") from None


def _chunks(content: Iterable[bytes]) -> Iterator[bytes]:
    yield from (b"%x\r\n%b\r\n" % (len(piece), piece) for piece in content if piece)
    yield b"0\r\n\r\n"


def _send_rest(connection: Connection, pieces: Iterator[bytes]) -> None:
    """Send the rest, while the answer is read: neither waits for the other."""
    try:
        for piece in pieces:
            connection.write(piece)
    except BrokenPipeError:  # the daemon has read enough, and its answer says why
        return
    except Exception:  # of reading what is to be sent, too: then the answer breaks off, and whoever reads it is told
        connection.close()
