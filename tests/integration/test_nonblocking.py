"""Nonblocking requests: answered in the server's event loop, which nobody holds up however they ask or read."""

import socket
import threading
from collections.abc import Iterator

import pytest

from labcore.http import Request, Response, Route, Router, Server
from labcore.http.listeners import listen_tcp
from tests.serving import running

MUCH = b"x" * (8 << 20)
PING = b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
ORDINARY = PING.replace(b"ping", b"ordinary")


def thread_name(_: Request) -> Response:
    return Response(200, {}, threading.current_thread().name.encode())


ROUTER = Router(
    [
        Route("GET", "/ping", thread_name, nonblocking=True),
        Route("GET", "/much", lambda _: Response(200, {}, MUCH), nonblocking=True),
        Route("GET", "/ordinary", thread_name),
    ]
)


class Served:
    """A server, whose event loop runs in the `loop`."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address

    def connect(self) -> socket.socket:
        """Return a connection."""
        return socket.create_connection(self.address, timeout=20)

    def asked(self, connection: socket.socket, data: bytes) -> str:
        """Send a request, and return the thread that has answered it."""
        connection.sendall(data)
        return connection.recv(4096).rpartition(b"\r\n")[2].decode()


@pytest.fixture
def served() -> Iterator[Served]:
    listener = listen_tcp("127.0.0.1", 0)
    server = Server(listener, ROUTER, is_long_running=ROUTER.is_long_running, is_nonblocking=ROUTER.is_nonblocking)
    with running(server):
        yield Served(listener.getsockname())


def is_loop(name: str) -> bool:
    return name.startswith("Thread-")  # the pools' have the names http_0, …


def test_the_event_loop_answers_nonblocking_requests_and_threads_all_others(served: Served) -> None:
    with served.connect() as connection:
        assert all(is_loop(served.asked(connection, PING)) for _ in range(3))
        assert served.asked(connection, ORDINARY).startswith("http_")
        assert served.asked(connection, PING)  # by whoever has the connection


def test_a_body_that_is_not_whole_is_waited_for_by_a_thread(served: Served) -> None:
    with served.connect() as slow, served.connect() as other:
        slow.sendall(PING.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\n"))
        assert is_loop(served.asked(other, PING))
        assert slow.recv(4096).rpartition(b"\r\n")[2].startswith(b"http_")
        slow.sendall(b"ab")
        assert served.asked(slow, PING)


def test_a_request_in_pieces_holds_nobody_up(served: Served) -> None:
    with served.connect() as slow, served.connect() as other:
        for part in (PING[:5], PING[5:20], PING[20:-2]):
            slow.sendall(part)
            assert is_loop(served.asked(other, PING))
        assert is_loop(served.asked(slow, PING[-2:]))


def test_an_answer_that_is_not_read_holds_nobody_up_and_is_whole(served: Served) -> None:
    with served.connect() as slow, served.connect() as other:
        slow.sendall(PING.replace(b"ping", b"much"))
        assert slow.recv(1)
        assert is_loop(served.asked(other, PING))
        slow.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: slow.recv(1 << 20), b"")).endswith(b"\r\n" + MUCH)


def test_many_requests_in_a_row_are_answered_beside_the_loop(served: Served) -> None:
    with served.connect() as pipelining:
        pipelining.sendall(PING * 1000)
        pipelining.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: pipelining.recv(1 << 20), b"")).split(b"HTTP/1.1 200 OK")[1:]
    names = [each.rpartition(b"\r\n")[2].decode() for each in answers]
    assert len(names) == 1000
    assert sum(map(is_loop, names)) < 100
