"""Streams of attach, exec and logs: output demultiplexed into stdout and stderr, input with half-close."""

from __future__ import annotations

from struct import Struct

from labcore.client.answer import BadAnswer
from labcore.errors import Unavailable
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final, Self

    from labcore.client.connection import Connection

HEAD: Final = Struct(">BxxxI")  # the stream's number, and how many bytes follow
NAMES: Final = {0: "stdin", 1: "stdout", 2: "stderr"}
SYSTEM_ERROR: Final = 3  # a frame in which the daemon itself says what went wrong
PIECE_BYTES: Final = 1 << 16
RAW: Final = "application/vnd.docker.raw-stream"
MULTIPLEXED: Final = "application/vnd.docker.multiplexed-stream"


class Output(Record):
    """A piece of a process's output: `stream` is `stdout` or `stderr`; from a terminal all is `stdout`."""

    stream: str
    content: bytes


class Frame(Record):
    """A frame's head: which stream, and how many bytes."""

    stream: str
    size: int


def frame_head(head: bytes) -> Frame:
    """Read the head of a frame. Raises BadAnswer."""
    number, size = HEAD.unpack(head)
    if head[1:4] != b"\0\0\0" or number > SYSTEM_ERROR:
        raise BadAnswer(f"{head!r} is no head of a frame: the output is not multiplexed")
    return Frame(NAMES.get(number, ""), size)


class Demultiplexer:
    """Multiplexed output that comes in pieces of any size."""

    def __init__(self) -> None:
        self._ahead = b""  # of a frame's head
        self._stream = ""
        self._left = 0  # of the frame
        self._error = b""

    def outputs(self, data: bytes) -> list[Output]:
        """Return what there is in the next piece, neighbours of one stream together. Raises BadAnswer, Unavailable."""
        found: list[tuple[str, list[bytes]]] = []
        place = 0
        while place < len(data):
            if not self._left:
                begin, place = place, place + HEAD.size - len(self._ahead)
                self._ahead += data[begin:place]
                if len(self._ahead) < HEAD.size:
                    break
                frame, self._ahead = frame_head(self._ahead), b""
                self._stream, self._left = frame.stream, frame.size
                continue
            piece = data[place : place + self._left]
            place += len(piece)
            self._left -= len(piece)
            if not self._stream:
                self._refuse(piece)
            elif found and found[-1][0] == self._stream:
                found[-1][1].append(piece)
            else:
                found.append((self._stream, [piece]))
        return [Output(stream, b"".join(pieces)) for stream, pieces in found]

    def _refuse(self, piece: bytes) -> None:
        """Raise Unavailable with what the daemon says, once all of it has come."""
        self._error += piece[: PIECE_BYTES - len(self._error)]
        if not self._left:
            raise Unavailable(f"the daemon: {self._error.decode(errors='replace').strip()}")

    def end(self) -> None:
        """Take note of the end. Raises Unavailable if that is within a frame."""
        if self._ahead or self._left:
            raise Unavailable("the output ends within a frame: the daemon has gone")


def demultiplexed(read: Callable[[int], bytes]) -> Iterator[Output]:
    """Yield the pieces of multiplexed output; a large frame comes in several. Raises BadAnswer, Unavailable."""
    frames = Demultiplexer()
    while piece := read(PIECE_BYTES):
        yield from frames.outputs(piece)
    frames.end()


def raw(read: Callable[[int], bytes]) -> Iterator[Output]:
    """Yield the pieces of a terminal's output."""
    while piece := read(PIECE_BYTES):
        yield Output("stdout", piece)


class Streams:
    """A process's streams: iterate for its output, `write` its input, `close_write` to end that. Closed at the block's end.

    One thread may read while another writes. The iteration ends when the process has, or when the client was detached.
    """

    def __init__(self, connection: Connection, *, is_multiplexed: bool) -> None:
        self._connection = connection
        self.is_multiplexed = is_multiplexed
        self._output = (demultiplexed if is_multiplexed else raw)(connection.read)
        self._frames = Demultiplexer() if is_multiplexed else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Output]:
        return self._output

    def fileno(self) -> int:
        """Return the connection's descriptor, for poll(2): look at `pending` first."""
        return self._connection.fileno()

    @property
    def pending(self) -> bool:
        """Whether there is output that poll(2) does not see."""
        return self._connection.pending

    def set_blocking(self, *, blocks: bool) -> None:
        """Have `write` and the iteration wait, or else use `receive` and `send`, which do not, beside poll(2)."""
        self._connection.set_timeout(None if blocks else 0)

    def receive(self) -> list[Output] | None:
        """Return what has come, which may be nothing; None at the end. Raises BadAnswer, Unavailable."""
        data = self._connection.read_available()
        if data is None:
            return []
        if not data:
            if self._frames:
                self._frames.end()
            return None
        return self._frames.outputs(data) if self._frames else [Output("stdout", data)]

    def send(self, data: bytes | memoryview) -> int:
        """Send what can be sent at once, return how many bytes. Raises BrokenPipeError when the process has ended."""
        return self._connection.write_some(data)

    def write(self, data: bytes) -> None:
        """Send input. Raises BrokenPipeError when the process has ended."""
        self._connection.write(data)

    def close_write(self) -> None:
        """End the input; output goes on."""
        self._connection.close_write()

    def communicate(self, data: bytes = b"") -> tuple[bytes, bytes]:
        """Send input and end it; return all output, stdout and stderr, when the process has ended."""
        from threading import Thread  # who reads alone needs none

        writer = Thread(target=self._feed, args=(data,), daemon=True)
        writer.start()
        found: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        for output in self:
            found.setdefault(output.stream, []).append(output.content)
        self.close()
        writer.join()
        return b"".join(found["stdout"]), b"".join(found["stderr"])

    def _feed(self, data: bytes) -> None:
        try:
            self.write(data)
        except OSError:  # the process has ended without reading all of it
            return
        self.close_write()

    def close(self) -> None:
        """Leave; the process goes on."""
        self._connection.close()
