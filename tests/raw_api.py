"""The daemon's API by hand: requests on a unix socket, answers as their bytes come."""

import json
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WAIT_SECONDS = 60
HEAD = struct.Struct(">BxxxI")
UPGRADE = ("Connection: Upgrade", "Upgrade: tcp")


class Conversation:
    """A connection on which a request was made: its answer's head, and what comes then."""

    def __init__(self, path: Path, method: str, target: str, body: bytes | None, headers: tuple[str, ...], more: bytes) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT_SECONDS)
        self.socket.connect(str(path))
        lines = [f"{method} {target} HTTP/1.1", "Host: d", *headers]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + (body or b"") + more)
        self._read = b""
        head, _, self._read = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        first, *fields = head.decode().split("\r\n")
        self.first = first
        self.status = int(first.split()[1])
        self.fields = fields
        self.headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}

    def _until(self, end: bytes) -> bytes:
        while end not in self._read:
            self._more()
        return self._read

    def _more(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError(f"it ends after {self._read!r}")
        self._read += data

    def exactly(self, size: int) -> bytes:
        while len(self._read) < size:
            self._more()
        piece, self._read = self._read[:size], self._read[size:]
        return piece

    def until(self, text: bytes) -> bytes:
        """Return what comes up to that text, and it."""
        before, found, self._read = self._until(text).partition(text)
        return before + found

    def rest(self) -> bytes:
        """Return all that comes, up to the end."""
        while data := self.socket.recv(1 << 16):
            self._read += data
        return self._read

    def frame(self) -> tuple[int, bytes]:
        """Return the next multiplexed piece: the stream's number, and what is in it."""
        number, size = HEAD.unpack(self.exactly(HEAD.size))
        return number, self.exactly(size)

    def frames(self) -> dict[int, bytes]:
        """Return all that comes, up to the end, by stream."""
        return demultiplexed(self.rest())

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def end_input(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def body(self) -> bytes:
        """Return the answer's body, by its length or by its chunks."""
        if "content-length" in self.headers:
            return self.exactly(int(self.headers["content-length"]))
        found = b""
        while piece := self.chunk():
            found += piece
        return found

    def chunk(self) -> bytes:
        """Return the next chunk."""
        piece = self.exactly(int(self.until(b"\r\n"), 16))
        self.until(b"\r\n")
        return piece

    def json(self) -> Any:
        return json.loads(self.body())

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def demultiplexed(data: bytes) -> dict[int, bytes]:
    """Return what multiplexed bytes say, by stream."""
    found: dict[int, bytes] = {}
    while data:
        number, size = HEAD.unpack_from(data)
        assert len(data) >= HEAD.size + size, "a piece breaks off"
        found[number] = found.get(number, b"") + data[HEAD.size : HEAD.size + size]
        data = data[HEAD.size + size :]
    return found


def ask(
    path: Path,
    method: str,
    target: str,
    body: Any = None,
    *,
    headers: tuple[str, ...] = (),
    more: bytes = b"",
    version: str = "1.51",
) -> Conversation:
    """Make a request; a body is sent as JSON. `more` are bytes that go with the head."""
    content = None if body is None and method != "POST" else json.dumps(body or {}).encode()
    return Conversation(path, method, f"/v{version}{target}", content, headers, more)


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it does not come to that"
        time.sleep(0.02)
