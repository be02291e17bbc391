"""What a terminal shows of several layers at once."""

import io
import re

from labcore.cli.progress import ProgressDisplay
from labcore.engine.image.progress import Progress

ONE, TWO, THREE = (f"sha256:{digit * 64}" for digit in "123")


class Terminal(io.StringIO):
    """Knows as much of a terminal as a display does: up some lines, and clear from there."""

    def __init__(self, *, real: bool = True) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.at = 0
        self.real = real
        self.written = 0

    def isatty(self) -> bool:
        return self.real

    def write(self, text: str) -> int:
        self.written += 1
        for up, clear, line in re.findall(r"\x1b\[(\d+)F|(\x1b\[J)|([^\x1b\n]*\n)", text):
            self.at -= int(up or 0)
            if clear:
                del self.lines[self.at :]
            if line:
                self.lines.append(line.rstrip())
                self.at += 1
        assert 0 <= self.at == len(self.lines) or "F" in text
        return len(text)


def test_what_is_done_stays_and_the_rest_is_drawn_again() -> None:
    now = [0.0]
    terminal = Terminal()
    display = ProgressDisplay(terminal, columns=100, clock=lambda: now[0])
    for seconds, progress in (
        (1, Progress(ONE, "downloading", 0, 40_000_000)),
        (2, Progress(TWO, "downloading", 500_000, 1_000_000)),
        (3, Progress(ONE, "downloading", 20_000_000, 40_000_000)),
    ):
        now[0] = float(seconds)
        display.show(progress)
    assert terminal.lines == [
        "111111111111  downloading  [============            ]     20 MB of 40 MB  10 MB/s",
        "222222222222  downloading  [============            ]    500 kB of 1 MB  0 B/s",
    ]
    display.show(Progress(THREE, "exists", 999, 999))
    now[0] = 4.0
    display.show(Progress(TWO, "done", 1_000_000, 1_000_000))
    assert terminal.lines == [
        "333333333333  exists          999 B",
        "222222222222  done             1 MB in 2.0 s",
        "111111111111  downloading  [============            ]     20 MB of 40 MB  6.67 MB/s",
    ]
    display.close()
    assert len(terminal.lines) == 2


def test_it_draws_seldom_and_no_wider_than_the_terminal() -> None:
    now = [10.0]
    terminal = Terminal()
    display = ProgressDisplay(terminal, columns=40, clock=lambda: now[0])
    for number in range(1000):
        now[0] += 0.001
        display.show(Progress(ONE, "downloading", number * 1000, 1_000_000))
    assert 8 <= terminal.written <= 12
    assert terminal.lines[0].startswith("111111111111  downloading    9")
    assert len(terminal.lines[0]) < 40


def test_without_a_terminal_there_is_one_line_for_each_part() -> None:
    plain = Terminal(real=False)
    display = ProgressDisplay(plain)
    display.show(Progress(ONE, "downloading", 1, 10))
    display.show(Progress(ONE, "done", 10, 10))
    display.close()
    assert len(plain.lines) == 1
    assert plain.lines[0].startswith("111111111111  done")
