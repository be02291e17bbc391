"""Servers for tests: a handler on a port of loopback, with or without TLS."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from labcore.engine import Engine
from labcore.http import ExceptionMiddleware, Request, Response, Server, listen_tcp
from labcore.registry.exception_handlers import EXCEPTION_HANDLERS
from labcore.spec import Reference

Handler = Callable[[Request], Response]


@contextmanager
def served(handler: Handler, *, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve, and yield the address; what the handler raises becomes a registry's error."""
    listener = listen_tcp("127.0.0.1", 0)
    address, port = listener.getsockname()
    with running(Server(listener, ExceptionMiddleware(handler, EXCEPTION_HANDLERS), tls=tls)):
        yield f"{address}:{port}"


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Let a server serve meanwhile."""
    thread = server.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(60)
        assert not thread.is_alive()


def eventually(condition: Callable[[], bool], seconds: float = 60) -> bool:
    """Return whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def stays(look: Callable[[], object], seconds: float = 0.2) -> bool:
    """Return whether what is seen does not change for a while."""
    before = look()
    time.sleep(seconds)
    return look() == before


def named(engine: Engine, address: str, name: str = "team/busybox:v1") -> Reference:
    """Give busybox a name in a registry."""
    reference = Reference.parse(f"{address}/{name}")
    engine.images.tag(reference, engine.images.get(Reference.parse("busybox")).descriptor)
    return reference


@contextmanager
def served_raw(work: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve connections by a function, whatever it says on them; yield the address."""
    connections: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                threading.Thread(target=hold, args=(connection,), daemon=True).start()

    def hold(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            work(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            thread.join(60)
