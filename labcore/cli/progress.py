"""Progress of a pull, push or load: a line for each part, drawn again on a terminal; elsewhere a line for each new status."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from labcore.cli.formatting import printable, size, width_of
from labcore.client.images import Progress

OFTEN: Final = 0.1  # seconds between two drawings
BAR: Final = 24
WIDE: Final = 80  # columns, for a bar


class ProgressDisplay:
    """Shows what the daemon says of each part by its ID, and below that what it says of the whole."""

    def __init__(self, out: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._clock = clock
        self._parts: dict[str, Progress] = {}  # ID -> the latest
        self._begun: dict[str, tuple[str, float, int]] = {}  # ID -> a status, when it began, and with how many bytes
        self._drawn = 0  # lines
        self._drawn_at = 0.0

    def show(self, progress: Progress) -> None:
        """Take what is new."""
        if not progress.id:
            self._say(progress)
        elif self._is_terminal:
            self._take(progress)
        elif not progress.detail.current:
            self._out.write(f"{printable(progress.id)}: {printable(progress.status)}\n")

    def close(self) -> None:
        """Leave the terminal as it is to be gone on with."""
        if self._parts:
            self._draw()
            self._parts.clear()
            self._drawn = 0

    def _say(self, progress: Progress) -> None:
        self.close()
        text = progress.stream.rstrip("\n") or progress.status
        self._out.write("".join(f"{printable(line)}\n" for line in text.splitlines()))
        self._out.flush()

    def _take(self, progress: Progress) -> None:
        now = self._clock()
        if self._begun.get(progress.id, ("",))[0] != progress.status:
            self._begun[progress.id] = (progress.status, now, progress.detail.current)
        self._parts[progress.id] = progress
        if now - self._drawn_at >= OFTEN:
            self._draw()

    def _draw(self) -> None:
        """Draw the parts over their last drawing; where the terminal is lower than they are, the last of them."""
        self._drawn_at = self._clock()
        columns, rows = width_of(self._out, WIDE), height_of(self._out)
        up = f"\033[{self._drawn}F" if self._drawn else ""
        shown = list(self._parts.values())[-(rows - 1) :]
        lines = [self._line(progress, columns)[: columns - 1] + "\n" for progress in shown]
        self._out.write(f"{up}\033[J{''.join(lines)}")  # one piece, so that nothing flickers
        self._out.flush()
        self._drawn = len(lines)

    def _line(self, progress: Progress, columns: int) -> str:
        done, total = progress.detail.current, progress.detail.total
        text = f"{printable(progress.id)}: {printable(progress.status)}"
        if not done:
            return text
        bar = f"[{('=' * int(min(done / total, 1) * BAR)).ljust(BAR)}]  " if total and columns >= WIDE else ""
        _, begun, before = self._begun[progress.id]
        passed = self._clock() - begun
        rate = f"  {size(int((done - before) / passed))}/s" if passed > 0.5 else ""
        return f"{text:30}  {bar}{size(done):>8}{f' of {size(total)}' if total else ''}{rate}"


def show(progress: Iterable[Progress], out: TextIO) -> None:
    """Show all of it, to its end."""
    with displayed(out) as display:
        for each in progress:
            display.show(each)


@contextmanager
def displayed(out: TextIO) -> Iterator[ProgressDisplay]:
    """Yield a display, closed at the block's end: also when that is an error, which is then said below it."""
    display = ProgressDisplay(out)
    try:
        yield display
    finally:
        display.close()


def height_of(out: TextIO) -> int:
    """Return how many lines a terminal has."""
    try:
        return os.get_terminal_size(out.fileno()).lines or 24
    except (OSError, ValueError):
        return 24
