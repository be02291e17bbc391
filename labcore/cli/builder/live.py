"""--progress=tty: the steps of a build on a terminal, drawn again while they go on, with the last lines of those that run.

At the end all of them are written once more, also those that there was no room for: that is what can be scrolled back to.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock, start_new_thread
from contextlib import contextmanager
from unicodedata import combining, east_asian_width

from labcore.cli.builder.vertices import CACHED, CANCELED, DONE, ERROR
from labcore.cli.formatting import width_of
from labcore.cli.progress import height_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Final, TextIO, TypeAlias

    from labcore.cli.builder.vertices import BuildLog, Vertex

    Line: TypeAlias = "tuple[str, str]"  # and its colour

OFTEN: Final = 0.1  # seconds between two drawings
SHOWN_LINES: Final = 6  # of a running step's output
COLUMNS: Final = 80
COLOURS: Final = {DONE: "\033[34m", CACHED: "\033[34m", ERROR: "\033[31m", CANCELED: "\033[33m"}
PLAIN: Final = "\033[0m"
MARKS: Final = {CACHED: "CACHED ", ERROR: "ERROR ", CANCELED: "CANCELED "}


class LiveView:
    """Draws a build's log in place."""

    def __init__(self, out: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._begun = clock()
        self._colours = not os.environ.get("NO_COLOR")
        self._drawn: list[int] = []  # widths of the lines that were drawn last

    def began(self, vertex: Vertex) -> None:
        """Draw it soon."""

    def said(self, vertex: Vertex, stream: str, line: str) -> None:
        """Draw it soon."""

    def ended(self, vertex: Vertex) -> None:
        """Draw it soon."""

    def noted(self, text: str) -> None:
        """Write a line above what is drawn."""
        self._out.write(f"{self._erasing()}{text}\n")
        self._drawn = []

    @contextmanager
    def drawing(self, log: BuildLog) -> Iterator[None]:
        """Draw a log while the block lasts; then leave all of it on the terminal."""
        going_on, gone = allocate_lock(), allocate_lock()
        going_on.acquire()
        gone.acquire()

        def draw() -> None:
            try:
                while not going_on.acquire(timeout=OFTEN):
                    log.look()
                    with log.lock:
                        self._draw(log.vertices)
            except OSError:  # the terminal has gone
                pass
            finally:
                gone.release()

        start_new_thread(draw, ())
        try:
            yield
        finally:
            going_on.release()
            gone.acquire()
            columns = width_of(self._out, COLUMNS)
            lines = [line for vertex in log.vertices for line in self._of(vertex, columns, is_last=True)]
            self._put([self._head(log.vertices, columns, is_built=bool(log.image_id)), *lines])
            self._drawn = []

    def _draw(self, vertices: Sequence[Vertex]) -> None:
        """Draw over the last drawing; where the terminal is lower than all of it, what goes on, and what is newest."""
        columns, rows = width_of(self._out, COLUMNS), height_of(self._out)
        shown = [(bool(vertex.state), list(self._of(vertex, columns))) for vertex in vertices]
        over = sum(len(lines) for _, lines in shown) - (rows - 2)
        for index in [index for index, (is_over, _) in enumerate(shown) if is_over][: max(over, 0)]:
            shown[index] = (True, [])
        lines = [line for _, lines in shown for line in lines]
        self._put([self._head(vertices, columns), *lines[max(len(lines) - (rows - 2), 0) :]])

    def _put(self, lines: Sequence[Line]) -> None:
        text = "".join(f"{colour}{line}{PLAIN}\n" if colour and self._colours else f"{line}\n" for line, colour in lines)
        self._out.write(f"{self._erasing()}{text}")  # one piece, so that nothing flickers
        self._out.flush()
        self._drawn = [cells(line) for line, _ in lines]

    def _erasing(self) -> str:
        """Return what erases the last drawing. A terminal that has become narrower has wrapped its lines."""
        columns = width_of(self._out, COLUMNS)
        up = sum(max(1, -(-width // columns)) for width in self._drawn)
        return f"\033[{up}F\033[J" if up else ""

    def _head(self, vertices: Sequence[Vertex], columns: int, *, is_built: bool = False) -> Line:
        done = sum(vertex.state in (DONE, CACHED) for vertex in vertices)
        passed, finished = self._clock() - self._begun, " FINISHED" if is_built else ""
        return clipped(f"[+] Building {passed:.1f}s ({done}/{len(vertices)}){finished}", columns - 1), ""

    def _of(self, vertex: Vertex, columns: int, *, is_last: bool = False) -> Iterator[Line]:
        seconds = vertex.seconds if vertex.state else self._clock() - vertex.begun
        yield timed(f" => {MARKS.get(vertex.state, '')}{vertex.title}", seconds, columns), COLOURS.get(vertex.state, "")
        if is_last or vertex.state:
            return
        if vertex.detail:
            yield clipped(f" => => {vertex.detail}", columns - 1), ""
        for line in list(vertex.last)[-SHOWN_LINES:]:
            yield clipped(f" => => # {line}", columns - 1), ""


def timed(text: str, seconds: float, columns: int) -> str:
    """Return a line with a time at its right end, where there is room for one."""
    time_text = f" {seconds:.1f}s"
    room = columns - 1 - len(time_text)
    if room < 10:
        return clipped(text, columns - 1)
    shown = clipped(text, room)
    return shown + " " * (room - cells(shown)) + time_text


def cells(text: str) -> int:
    """Return how many columns a text takes: a Chinese character has two, a combining one none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def clipped(text: str, columns: int) -> str:
    """Return as much of a text as so many columns have room for; `…` stands for the rest."""
    if cells(text) <= columns:
        return text
    while text and cells(text) > columns - 1:
        text = text[: min(len(text) - 1, columns)]
    return f"{text}…"
