"""Long-running requests: events that arrive at once, clients that go, silence without a limit, threads of their own."""

import contextlib
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from labcore.http import Request, Response, Route, Router, Server, Upgrade, listen_tcp, listen_unix, reader, request_parser
from labcore.http import server as servers
from tests.serving import eventually, running

CHUNK = b"x" * (1 << 17)


class Hub:
    """Events for many subscribers, and what became of those."""

    def __init__(self) -> None:
        self.subscribers: list[queue.Queue[bytes | None]] = []
        self.begun = threading.Event()
        self.ended = 0

    def publish(self, event: bytes) -> None:
        for subscriber in self.subscribers:
            subscriber.put(event)

    def events(self, request: Request) -> Response:
        """Stream events until the client goes."""
        subscriber: queue.Queue[bytes | None] = queue.Queue()
        self.subscribers.append(subscriber)
        request.on_disconnect(lambda: subscriber.put(None))
        return Response(200, {}, self._stream(subscriber))

    def _stream(self, subscriber: "queue.Queue[bytes | None]") -> Iterator[bytes]:
        self.begun.set()
        try:
            yield from iter(subscriber.get, None)
        finally:
            self.ended += 1

    def wait(self, request: Request) -> Response:
        """Look from time to time whether somebody still waits."""
        self.begun.set()
        while not request.is_disconnected():
            time.sleep(0.01)
        self.ended += 1
        return Response(200)

    def attach(self, request: Request) -> Upgrade:
        """Send what is published to a connection that is taken over."""

        def serve(stream: object) -> None:
            subscriber: queue.Queue[bytes | None] = queue.Queue()
            self.subscribers.append(subscriber)
            request.on_disconnect(lambda: subscriber.put(None))
            for event in self._stream(subscriber):
                stream.write(event)  # type: ignore[attr-defined]

        return Upgrade(serve)


def build(request: Request) -> Response:
    """Read a body, and say how long it was, and in which pool."""
    size = sum(len(piece) for piece in iter(lambda: request.body.read(1 << 16), b""))
    return Response(200, {}, f"[{size} {thread_name()}]".encode())


def much(_: Request) -> Response:
    return Response(200, {}, (CHUNK for _ in range(64)))


def thread_name() -> str:
    return threading.current_thread().name.rpartition("_")[0]


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def router(hub: Hub) -> Router:
    def fails(_: Request) -> Response:
        raise ZeroDivisionError("a secret")

    return Router(
        [
            Route("GET", "/events", hub.events, long_running=True),
            Route("POST", "/wait", hub.wait, long_running=True),
            Route("POST", "/attach", hub.attach, long_running=True),
            Route("POST", "/build", build, long_running=True),
            Route("GET", "/much", much, long_running=True),
            Route("POST", "/short/build", build),
            Route("GET", "/short/much", much),
            Route("GET", "/short/events", hub.events),
            Route("GET", "/fails", fails),
            Route("GET", "/json", lambda _: Response(200, {}, f"[{thread_name()}]".encode())),
        ]
    )


Connect = Callable[[], socket.socket]


class Served:
    """A server, and connections to it."""

    def __init__(self, server: Server, connect: Connect) -> None:
        self.server = server
        self.connect = connect

    def ask(self, line: str, more: str = "") -> socket.socket:
        connection = self.connect()
        connection.sendall(f"{line} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode())
        return connection

    def get(self, path: str) -> bytes:
        with self.ask(f"GET {path}", "Connection: close\r\n") as connection:
            return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def until(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        piece = connection.recv(1 << 16)
        assert piece, data[-200:]
        data += piece
    return data


@pytest.fixture(params=["tcp", "unix", "TLS"])
def served(request: pytest.FixtureRequest, router: Router, tmp_path: Path) -> Iterator[Served]:
    server_side, client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority = trustme.CA()
    authority.issue_cert("localhost").configure_cert(server_side)
    authority.configure_trust(client_side)
    tls = server_side if request.param == "TLS" else None
    with ExitStack() as undo:
        if request.param == "unix":
            listener = undo.enter_context(listen_unix(tmp_path / "a.sock"))
            family, address = socket.AF_UNIX, str(tmp_path / "a.sock")
        else:
            listener = listen_tcp("127.0.0.1", 0)
            family, address = socket.AF_INET, listener.getsockname()
        server = undo.enter_context(running(Server(listener, router, is_long_running=router.is_long_running, tls=tls)))

        def connect() -> socket.socket:
            connection = socket.socket(family)
            connection.settimeout(10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(address)
            if tls:
                connection = client_side.wrap_socket(connection, server_hostname="localhost")
            return undo.enter_context(connection)

        yield Served(server, connect)


def test_events_arrive_at_once(served: Served, hub: Hub) -> None:
    """The head before there is any, and each before the next one."""
    connection = served.ask("GET /events")
    assert b"Transfer-Encoding: chunked" in until(connection, b"\r\n\r\n")
    for number in range(3):
        assert eventually(lambda: len(hub.subscribers) == 1)
        hub.publish(b'{"n":%d}' % number)
        assert until(connection, b"\r\n") in (b'7\r\n{"n":%d}\r\n' % number, b"7\r\n")


@pytest.mark.parametrize("line", ["GET /events", "POST /wait", "GET /short/events"])
@pytest.mark.parametrize("how", ["close", "shutdown"])
def test_a_handler_ends_when_its_client_goes(served: Served, hub: Hub, line: str, how: str) -> None:
    """And nobody publishes anything."""
    connection = served.ask(line)
    assert hub.begun.wait(10)
    assert hub.ended == 0
    if how == "close":
        connection.close()
    else:
        socket.socket.shutdown(connection, socket.SHUT_WR)
    assert eventually(lambda: hub.ended == 1)
    assert eventually(lambda: served.server._busy.total() == 0 and not served.server._open)


def test_one_handler_ends_and_the_others_do_not(served: Served, hub: Hub) -> None:
    connections = [served.ask("GET /events") for _ in range(5)]
    for connection in connections:
        until(connection, b"\r\n\r\n")
    connections[2].close()
    assert eventually(lambda: hub.ended == 1)
    hub.publish(b"on")
    for connection in connections[:2] + connections[3:]:
        while not until(connection, b"\r\n").endswith(b"on\r\n"):
            pass
    assert hub.ended == 1


def test_who_is_answered_is_watched_no_more(served: Served) -> None:
    """A callback belongs to a request, not to its connection."""
    called = []

    def answers(request: Request) -> Response:
        request.on_disconnect(lambda: called.append(request.path))
        return Response(200, {}, b"[]")

    served.server._service.__dict__["app"] = answers
    connection = served.ask("GET /one")
    until(connection, b"[]")
    connection.close()
    assert eventually(lambda: not served.server._open)
    assert called == []
    assert not served.server._watch._watched


def test_an_upgraded_connection_rests_half_closed_until_its_client_goes(served: Served, hub: Hub) -> None:
    """An end of its input is no sign of that; by a unix socket its going is noticed at once, by TCP with the next output."""
    connection = served.ask("POST /attach", "Connection: Upgrade\r\nUpgrade: tcp\r\n")
    until(connection, b"\r\n\r\n")
    socket.socket.shutdown(connection, socket.SHUT_WR)
    time.sleep(0.2)
    assert hub.ended == 0
    hub.publish(b"still there")
    until(connection, b"still there")
    socket.socket.close(connection)
    if connection.family != socket.AF_UNIX:
        for _ in range(2):
            hub.publish(b"x")
            time.sleep(0.1)
    assert eventually(lambda: hub.ended == 1)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "IO_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(request_parser, "IO_TIMEOUT_SECONDS", 0.3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("framing", ["Content-Length: 4\r\n", "Transfer-Encoding: chunked\r\n"])
def test_a_build_context_may_rest(served: Served, framing: str) -> None:
    for path, answered in (("/build", b"[4 http-long-running]"), ("/short/build", b"")):
        connection = served.ask(f"POST {path}", framing)
        pieces = [b"ab", b"cd"] if "Length" in framing else [b"2\r\nab\r\n", b"2\r\n", b"cd\r\n", b"0\r\n\r\n"]
        answer = b""
        with contextlib.suppress(OSError):
            for piece in pieces:
                time.sleep(0.45)
                connection.sendall(piece)
            answer = connection.recv(1000)
        assert answer.startswith(b"HTTP/1.1 200 ") == bool(answered)
        assert answer.endswith(answered)


@pytest.mark.usefixtures("impatient")
def test_events_may_rest(served: Served, hub: Hub) -> None:
    connection = served.ask("GET /events")
    until(connection, b"\r\n\r\n")
    time.sleep(1.5)
    hub.publish(b"at last")
    while not until(connection, b"\r\n").endswith(b"at last\r\n"):
        pass


@pytest.mark.usefixtures("impatient")
def test_a_stream_that_is_not_read_may_rest(served: Served) -> None:
    """Without a thread; that of an ordinary route is given up."""
    connections = [served.ask("GET /much"), served.ask("GET /short/much")]
    assert eventually(lambda: len(served.server._open) == 1 and len(served.server._resting) == 1)
    time.sleep(1)
    connections[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    assert len(until(connections[0], b"\r\n0\r\n\r\n")) > 64 * len(CHUNK)
    with contextlib.suppress(OSError):
        assert len(b"".join(iter(lambda: connections[1].recv(1 << 16), b""))) < 64 * len(CHUNK)


def test_many_idle_streams_leave_the_workers_to_others(served: Served, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one address there are more than it may have workers."""
    monkeypatch.setattr(servers, "MAX_WORKERS_PER_CLIENT", 4)
    idle = [served.ask("GET /events") for _ in range(200)]
    for connection in idle:
        until(connection, b"\r\n\r\n")
    assert served.server._busy.total() == 0
    for _ in range(5):
        assert served.get("/json").endswith(b"[http]")
    hub.publish(b"for all")
    for connection in idle:
        while not until(connection, b"\r\n").endswith(b"for all\r\n"):
            pass
    for connection in idle:
        connection.close()
    assert eventually(lambda: hub.ended == 200)


def test_a_connection_goes_on_among_the_workers(served: Served) -> None:
    connection = served.ask("POST /build", "Content-Length: 2\r\n")
    ask = b"GET /json HTTP/1.1\r\nHost: x\r\n\r\n"
    connection.sendall(b"ab" + ask)  # which has come already when the build is answered
    assert until(connection, b"[http]").count(b"[2 http-long-running]") == 1
    connection.sendall(ask)
    assert until(connection, b"[http]")
    connection.sendall(b"POST /build HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    assert until(connection, b"[0 http-long-running]")


def test_too_many_long_running_requests_are_refused(served: Served, hub: Hub) -> None:
    while served.server._service.slots.acquire(blocking=False):
        pass
    served.server._service.slots.release()
    connection = served.ask("GET /events")
    until(connection, b"\r\n\r\n")
    refused = served.get("/events")
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 5\r\n" in refused
    assert b"too many long-running requests" in refused
    assert served.get("/json").endswith(b"[http]")
    connection.close()
    assert eventually(lambda: hub.ended == 1)
    assert eventually(lambda: served.get("/much").startswith(b"HTTP/1.1 200 "))


def test_long_running_connections_are_not_dropped_for_others(served: Served) -> None:
    resting = served.ask("GET /much")
    assert eventually(lambda: len(served.server._resting) == 1)
    served.server._most = 5
    silent = [served.connect() for _ in range(4)]
    for _ in range(8):
        assert served.get("/json").endswith(b"[http]")
    resting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    assert len(until(resting, b"\r\n0\r\n\r\n")) > 64 * len(CHUNK)
    assert silent


def test_a_server_that_is_closed_ends_its_streams(served: Served, hub: Hub) -> None:
    for line in ("GET /events", "POST /wait", "POST /attach"):
        connection = served.ask(line)
        if "wait" not in line:
            until(connection, b"\r\n\r\n")
    served.server.close()
    assert hub.ended == 3


def test_a_stream_is_closed_also_if_nobody_reads_it(served: Served, hub: Hub) -> None:
    class Closing:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"one"])

        def close(self) -> None:
            hub.ended += 1

    served.server._service.__dict__["app"] = lambda _: Response(200, {}, Closing())
    with served.ask("HEAD /events", "Connection: close\r\n") as connection:
        assert connection.recv(1000).endswith(b"\r\n\r\n")
    with served.ask("GET /json", "Connection: close\r\n") as connection:
        until(connection, b"0\r\n\r\n")
    assert eventually(lambda: hub.ended == 2)


def test_a_failure_is_logged_and_not_told(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    answer = served.get("/fails")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert answer.endswith(b"\r\n\r\nthe server has failed; its log says how\n")
    assert "GET '/fails': the handler has failed\nTraceback" in caplog.text
    assert "ZeroDivisionError: a secret" in caplog.text
    assert served.get("/nowhere").startswith(b"HTTP/1.1 404 ")
    assert b"\r\nAllow: POST\r\n" in served.get("/wait")
