"""Instant requests, which are answered by who watches over all connections, and in no thread of their own."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from labcore.http import Request, Response, Route, Router, listen_tcp
from labcore.http.server import Server

GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
HELD = threading.Event()


def named(request: Request) -> Response:
    """Say in which thread that is."""
    return Response(200, {}, f"[{threading.current_thread().name}]".encode())


def held(request: Request) -> Response:
    """Answer when the test says so."""
    HELD.wait(10)
    return named(request)


ROUTER = Router([Route("GET", "/instant", named, instant=True), Route("GET", "/other", named), Route("GET", "/held", held)])


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    HELD.clear()
    listener = listen_tcp("127.0.0.1", 0)
    server = Server(listener, ROUTER, is_long_running=ROUTER.is_long_running, is_instant=ROUTER.is_instant)
    thread = server.start()
    thread.name = "watch"
    yield listener.getsockname()
    HELD.set()
    server.close()
    thread.join(10)
    assert not thread.is_alive()


def ask(connection: socket.socket, sent: bytes, answers: int = 1) -> list[str]:
    """Send bytes; return in which threads they were answered, so many times."""
    connection.settimeout(10)
    connection.sendall(sent)
    come = b""
    while come.count(b"]") < answers:
        come += connection.recv(1 << 16)
    return [each.partition(b"[")[2].decode() for each in come.split(b"]")[:-1]]


def test_only_instant_ones_have_no_thread(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as connection:
        assert ask(connection, GET % b"instant") == ["watch"]
        assert ask(connection, GET % b"instant") == ["watch"]
        (worker,) = ask(connection, GET % b"other")
        assert worker.startswith("http")


def test_a_head_may_come_in_pieces(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as connection:
        for piece in (GET % b"instant")[:20], (GET % b"instant")[20:-3]:
            connection.sendall(piece)
            time.sleep(0.05)
        assert ask(connection, (GET % b"instant")[-3:]) == ["watch"]


def test_who_says_much_at_once_is_given_a_thread(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as connection:
        threads = ask(connection, GET % b"instant" * 200, 200)
    assert threads[0] == "watch"
    assert {name.partition("_")[0] for name in threads[1:]} == {"http"}


def test_one_with_a_body_is_given_a_thread(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as connection:
        (name,) = ask(connection, b"GET /instant HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        assert name.startswith("http")


def test_it_is_answered_while_all_threads_are_held(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labcore.http.server.MAX_WORKERS_PER_CLIENT", 2)
    with ExitStack() as undo:
        waiting = [undo.enter_context(socket.create_connection(address)) for _ in range(4)]
        for each in waiting:
            each.sendall(GET % b"held")
        with socket.create_connection(address) as connection:
            assert ask(connection, GET % b"instant") == ["watch"]
        HELD.set()
        for each in waiting:
            assert ask(each, b"")[0].startswith("http")


def test_nonsense_is_refused_there_and_silence_after_it_ends_the_connection(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as connection:
        connection.settimeout(10)
        connection.sendall(b"\x16\x03\x01")
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(1000), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_the_daemons_pings_are_no_jobs() -> None:
    from labcore.daemon.routes import ROUTES

    assert [(route.method, route.path) for route in ROUTES if route.instant] == [("GET", "/_ping")]
