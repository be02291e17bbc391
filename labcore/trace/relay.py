"""The relay: a unix socket between a command and a daemon, which notes each call of the command's."""

from __future__ import annotations

import re
import socket
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    class Listener(Protocol):
        """Is told what passes on one connection."""

        def asked(self, block: bytes) -> None:
            """Note what the client sends."""

        def answered(self, block: bytes) -> None:
            """Note what the daemon sends."""


REQUEST: Final = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.[01]\r\n")
STATUS: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3}[^\r\n]*)")
BLOCK: Final = 1 << 16
BACKLOG: Final = 64


class Call:
    """A request: when its first byte came (ns since 1970), and when the last of its answer went; on which connection.

    `status`: that of the answer, with its words; empty if none came.
    """

    def __init__(self, method: str, target: str, connection: int) -> None:
        self.method = method
        self.target = target
        self.connection = connection
        self.status = ""
        self.start = self.end = time.time_ns()


class Relay:
    """Hands on what comes to its socket at `path` to the daemon's, both ways, until it is closed.

    Each connection is numbered and has a listener, by default one that notes its `calls`.
    """

    def __init__(self, path: Path, daemon: str, listener: Callable[[int], Listener] | None = None) -> None:
        self.calls: list[Call] = []
        self._daemon = daemon
        self._new_listener = listener or (lambda number: _Exchange(self.calls, number))
        self._lock = Lock()
        self._open: list[socket.socket] = []
        self._threads: list[Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(BACKLOG)
        self._start(self._accept)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        number = 0
        with suppress(OSError):  # it is closed
            while True:
                client, _ = self._listener.accept()
                number += 1
                self._join(client, number)

    def _join(self, client: socket.socket, number: int) -> None:
        server = socket.socket(socket.AF_UNIX)
        with self._lock:
            self._open += [client, server]
        try:
            server.connect(self._daemon)
        except OSError:  # the daemon has gone: the client sees that its connection ends
            client.close()
            server.close()
            return
        listener = self._new_listener(number)
        self._start(_pump, client, server, listener.asked)
        self._start(_pump, server, client, listener.answered)

    def close(self) -> None:
        """End all connections."""
        self._shut(self._listener)
        self._threads[0].join()
        for each in self._open:
            self._shut(each)
        for thread in self._threads[1:]:
            thread.join()
        for each in (self._listener, *self._open):
            each.close()

    @staticmethod
    def _shut(each: socket.socket) -> None:
        with suppress(OSError):  # it has ended already
            each.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Exchange:
    """The calls of one connection: a new one begins with a request's first line, the last lasts as long as anything comes."""

    def __init__(self, calls: list[Call], number: int) -> None:
        self._calls = calls
        self._number = number
        self._current: Call | None = None
        self._is_raw = False

    def asked(self, block: bytes) -> None:
        """Note what the client sends."""
        found = None if self._is_raw else REQUEST.match(block)
        if found:
            self._current = Call(found[1].decode(), found[2].decode(errors="replace"), self._number)
            self._calls.append(self._current)
            self._is_raw = b"\r\nupgrade:" in block.lower()

    def answered(self, block: bytes) -> None:
        """Note what the daemon sends."""
        if self._current:
            self._current.end = time.time_ns()
            if not self._current.status and (found := STATUS.match(block)):
                self._current.status = found[1].decode(errors="replace")


def _pump(source: socket.socket, sink: socket.socket, note: Callable[[bytes], None]) -> None:
    """Hand on what comes, and then its end."""
    with suppress(OSError):  # one of both has gone
        while block := source.recv(BLOCK):
            note(block)
            sink.sendall(block)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def relayed(daemon: str) -> Iterator[tuple[Relay, str]]:
    """Yield a relay to a daemon's socket, and the URL at which it is reached, as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="labcore-trace-") as directory:
        path = Path(directory, "docker.sock")
        with Relay(path, daemon) as relay:
            yield relay, f"unix://{path}"
