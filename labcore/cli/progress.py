"""Progress of several transfers on a terminal: lines of finished ones stay, those of the others are drawn again and again."""

import time
from collections.abc import Callable
from typing import Final, TextIO

from labcore.cli.formatting import size
from labcore.engine.image.progress import Progress

OFTEN: Final = 0.1  # seconds between two drawings
BAR: Final = 24
WIDE: Final = 80  # columns, for a bar
DONE: Final = ("done", "exists", "mounted")


class ProgressDisplay:
    """Shows progress. Where there is no terminal, it says of each part that it is done, and no more."""

    def __init__(self, out: TextIO, *, columns: int = 80, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._terminal = out.isatty()
        self._columns = columns
        self._clock = clock
        self._begun: dict[str, tuple[float, int]] = {}  # digest -> when, and with how many bytes, it began
        self._under_way: dict[str, Progress] = {}
        self._drawn = 0  # lines
        self._last = 0.0

    def show(self, progress: Progress) -> None:
        """Take what is new."""
        now = self._clock()
        if progress.status == "waiting":
            return
        if progress.status in DONE:
            self._under_way.pop(progress.digest, None)
            self._draw(self._finished(progress, now))
        else:
            self._begun.setdefault(progress.digest, (now, progress.done))
            self._under_way[progress.digest] = progress
            if self._terminal and now - self._last >= OFTEN:
                self._draw("")

    def close(self) -> None:
        """Leave the terminal as it is to be gone on with."""
        self._under_way.clear()
        self._draw("")

    def _draw(self, finished: str) -> None:
        if not self._terminal:
            self._out.write(finished)
            return
        self._last = self._clock()
        up = f"\033[{self._drawn}F" if self._drawn else ""
        lines = [self._line(progress)[: self._columns - 1] + "\n" for progress in self._under_way.values()]
        self._out.write(f"{up}\033[J{finished}{''.join(lines)}")  # one piece, so that nothing flickers
        self._out.flush()
        self._drawn = len(lines)

    def _finished(self, progress: Progress, now: float) -> str:
        begun, come = self._begun.get(progress.digest, (now, progress.total))
        took = f" in {now - begun:.1f} s" if progress.status == "done" and come < progress.total else ""
        return f"{progress.digest[7:19]}  {progress.status:11}  {size(progress.total):>8}{took}\n"

    def _line(self, progress: Progress) -> str:
        part = progress.done / progress.total if progress.total else 0.0
        bar = f"  [{('=' * int(part * BAR)).ljust(BAR)}]" if self._columns >= WIDE else ""
        begun, come = self._begun[progress.digest]
        passed = self._clock() - begun
        rate = f"  {size(int((progress.done - come) / passed))}/s" if passed > 0.5 else ""
        sizes = f"{size(progress.done):>8} of {size(progress.total)}"
        return f"{progress.digest[7:19]}  {progress.status:11}{bar}  {sizes}{rate}"
