"""Servers for tests: a handler on a port of loopback, with or without TLS."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from labcore.engine import Engine
from labcore.http import Request, Response, Server
from labcore.http.server import listen
from labcore.registry.server import failure
from labcore.spec import Reference

Handler = Callable[[Request], Response]


@contextmanager
def served(handler: Handler, *, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve, and yield the address."""
    listener = listen("127.0.0.1", 0)
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    server = Server(listener, handler, failure, tls=tls)
    thread = server.start()
    try:
        yield address
    finally:
        server.close()
        thread.join(10)


def named(engine: Engine, address: str, name: str = "team/busybox:v1") -> Reference:
    """Give busybox a name in a registry."""
    reference = Reference.parse(f"{address}/{name}")
    engine.images.tag(reference, engine.images.get(Reference.parse("busybox")).descriptor)
    return reference
