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


def demultiplexed(read: Callable[[int], bytes]) -> Iterator[Output]:
    """Yield the pieces of multiplexed output; a large frame comes in several. Raises BadAnswer, Unavailable."""
    while head := _exactly(read, HEAD.size):
        if len(head) < HEAD.size:
            raise Unavailable("the output ends within a frame's head: the daemon has gone")
        frame = frame_head(head)
        if not frame.stream:
            raise Unavailable(f"the daemon: {_exactly(read, min(frame.size, PIECE_BYTES)).decode(errors='replace').strip()}")
        left = frame.size
        while left:
            piece = read(min(left, PIECE_BYTES))
            if not piece:
                raise Unavailable("the output ends within a frame: the daemon has gone")
            left -= len(piece)
            yield Output(frame.stream, piece)


def raw(read: Callable[[int], bytes]) -> Iterator[Output]:
    """Yield the pieces of a terminal's output."""
    while piece := read(PIECE_BYTES):
        yield Output("stdout", piece)


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    found = b""
    while len(found) < size and (piece := read(size - len(found))):
        found += piece
    return found


class Streams:
    """A process's streams: iterate for its output, `write` its input, `close_write` to end that. Closed at the block's end.

    One thread may read while another writes. The iteration ends when the process has, or when the client was detached.
    """

    def __init__(self, connection: Connection, *, is_multiplexed: bool) -> None:
        self._connection = connection
        self.is_multiplexed = is_multiplexed
        self._output = (demultiplexed if is_multiplexed else raw)(connection.read)

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
