"""Wire: a check's conversation with the learner's daemon, from outside of the sandbox: requests, and what comes back."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from labcore.lab.checks.process_view import ProcessView, descendants
from labcore.record import Record
from labcore.unix_sockets import connect

if TYPE_CHECKING:
    from http.client import HTTPResponse

ANSWER_SECONDS: Final = 5.0  # for an answer, or the next bytes of one
POLL_SECONDS: Final = 0.01
CHUNK: Final = 1 << 16


class Answer(Record):
    """An answer: its status, its headers by their names in lower case, and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return what the body says, or None if it is no JSON."""
        return _json(self.body)

    def lines(self) -> list[Any]:
        """Return the values of a body of JSON lines; None for what is none."""
        return [_json(line) for line in self.body.splitlines() if line.strip()]


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


class Wire:
    """Where the learner's daemon listens, and the process below which all of it runs."""

    def __init__(self, path: Path, sandbox: int) -> None:
        self.path = path
        self._sandbox = sandbox

    @property
    def below(self) -> list[ProcessView]:
        """The processes in the sandbox: the daemon, and whatever it has started."""
        return list(descendants(self._sandbox))

    def ask(self, method: str, target: str, body: object = None, headers: Mapping[str, str] = {}) -> Answer:
        """Send a request, with a value as JSON; return the answer, read to its end. Raises OSError, HTTPException."""
        with self.asked(method, target, body, headers) as response:
            return Answer(response.status, _headers(response), response.read())

    @contextmanager
    def asked(self, method: str, target: str, body: object = None, headers: Mapping[str, str] = {}) -> Iterator[HTTPResponse]:
        """Yield the answer as soon as its head is there. Raises OSError, HTTPException."""
        from http.client import HTTPConnection  # a third of what a check imports, and most do without

        connection = HTTPConnection("localhost", timeout=ANSWER_SECONDS)
        connection.sock = self._connected()
        with closing(connection):
            typed = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, target, None if body is None else json.dumps(body), {**typed, **headers})
            yield connection.getresponse()

    def hijacked(self, target: str) -> Hijacked:
        """POST a request that takes its connection over, as `docker attach` does; the answer's head has been read then."""
        return Hijacked(self._connected(), target)

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(ANSWER_SECONDS)
        connect(connection, self.path)
        return connection

    def until(self, holds: Callable[[], Any], seconds: float = ANSWER_SECONDS) -> Any:
        """Return what `holds` returns once that is true; what it returns in the end, if it never is."""
        deadline = time.monotonic() + seconds
        while not (found := holds()) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return found


class Hijacked:
    """A connection that was taken over: its status, and raw bytes."""

    def __init__(self, connection: socket.socket, target: str) -> None:
        self._connection = connection
        head = f"POST {target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head.encode())
        received = b""
        while b"\r\n\r\n" not in received and (more := self._connection.recv(CHUNK)):
            received += more
        answer, _, self._early = received.partition(b"\r\n\r\n")
        self.status = int((answer.split() or [b"", b"0"])[1])

    def read(self) -> bytes:
        """Return all that comes until the daemon ends it. Raises OSError."""
        return b"".join(iter(self.read_some, b""))

    def read_some(self) -> bytes:
        """Return what comes next; nothing at the end. Raises OSError, TimeoutError each time that nothing comes."""
        early, self._early = self._early, b""
        return early or self._connection.recv(CHUNK)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Hijacked:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _headers(response: HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}
