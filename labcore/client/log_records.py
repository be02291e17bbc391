"""Log records: the lines that a container has written, with time and details if these are asked for."""

from __future__ import annotations

from labcore.client.answer import BadAnswer
from labcore.client.streams import HEAD, PIECE_BYTES, Frame, frame_head
from labcore.errors import Unavailable
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

LINE_BYTES: Final = 1 << 20  # of a record; what is longer comes in several
FRAME_BYTES: Final = 16 << 20


class LogRecord(Record):
    """A line, or a part of a long one: `content` has its line break, `time` is RFC 3339's and `details` are `name=value,…`."""

    stream: str
    content: bytes
    time: str = ""
    details: str = ""


def log_records(
    read: Callable[[int], bytes], *, is_multiplexed: bool, timestamps: bool = False, details: bool = False
) -> Iterator[LogRecord]:
    """Yield the records of an answer of logs. Raises BadAnswer, Unavailable."""
    lines = _framed_lines(read) if is_multiplexed else (("stdout", line) for line in _lines(read))
    for stream, line in lines:
        words = line.split(b" ", timestamps + details)
        if len(words) <= timestamps + details:
            raise BadAnswer(f"{line[:80]!r} has no time or details before it, which were asked for")
        shown = [word.decode(errors="replace") for word in words[:-1]]
        time = shown.pop(0) if timestamps else ""
        yield LogRecord(stream, words[-1], time, shown[0] if details else "")


def _lines(read: Callable[[int], bytes]) -> Iterator[bytes]:
    ahead = b""
    while piece := read(PIECE_BYTES):
        *whole, ahead = (ahead + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
        if len(ahead) > LINE_BYTES:
            yield ahead
            ahead = b""
    if ahead:
        yield ahead


def _framed_lines(read: Callable[[int], bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the content of each frame: the daemon puts a time before each, so it is one record."""
    ahead = bytearray()
    while True:
        while frame := _next_frame(ahead):
            end = HEAD.size + frame.size
            content = bytes(ahead[HEAD.size : end])
            del ahead[:end]
            if not frame.stream:
                raise Unavailable(f"the daemon: {content[:PIECE_BYTES].decode(errors='replace').strip()}")
            yield frame.stream, content
        piece = read(PIECE_BYTES)
        if not piece:
            break
        ahead += piece
    if ahead:
        raise Unavailable("the log ends within a frame: the daemon has gone")


def _next_frame(ahead: bytearray) -> Frame | None:
    """Return the head of a frame that is there whole."""
    if len(ahead) < HEAD.size:
        return None
    frame = frame_head(bytes(ahead[: HEAD.size]))
    if frame.size > FRAME_BYTES:
        raise BadAnswer(f"a record of {frame.size} bytes: {FRAME_BYTES} are the most")
    return frame if len(ahead) >= HEAD.size + frame.size else None
