"""What a terminal shows of several layers at once."""

import io
import re

from labcore.cli.progress import ProgressDisplay
from labcore.client.images import Progress


def progress(id: str, status: str, current: int = 0, total: int = 0) -> Progress:
    return Progress({"id": id, "status": status, "progressDetail": {"current": current, "total": total}})


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


def test_parts_are_drawn_again_in_their_places() -> None:
    now = [0.0]
    terminal = Terminal()
    display = ProgressDisplay(terminal, clock=lambda: now[0])
    for seconds, each in (
        (1, progress("one", "Downloading", 0, 40_000_000)),
        (2, progress("two", "Downloading", 500_000, 1_000_000)),
        (3, progress("one", "Downloading", 20_000_000, 40_000_000)),
    ):
        now[0] = float(seconds)
        display.show(each)
    assert [line.split("[")[0].split() for line in terminal.lines] == [["one:", "Downloading"], ["two:", "Downloading"]]
    assert "[============            ]" in terminal.lines[0]
    assert "20MB of 40MB" in terminal.lines[0]
    now[0] = 4.0
    display.show(progress("two", "Pull complete"))
    assert terminal.lines[1] == "two: Pull complete"
    display.show(Progress({"status": "Digest: sha256:1"}))
    assert terminal.lines[-1] == "Digest: sha256:1"
    assert len(terminal.lines) == 3


def test_it_draws_seldom() -> None:
    now = [10.0]
    terminal = Terminal()
    display = ProgressDisplay(terminal, clock=lambda: now[0])
    for number in range(1000):
        now[0] += 0.001
        display.show(progress("one", "Downloading", number * 1000, 1_000_000))
    assert 8 <= terminal.written <= 12
    assert len(terminal.lines[0]) < 80


def test_without_a_terminal_there_is_one_line_for_each_status() -> None:
    plain = Terminal(real=False)
    display = ProgressDisplay(plain)
    display.show(progress("one", "Downloading", 1, 10))
    display.show(progress("one", "Pull complete"))
    display.close()
    assert plain.lines == ["one: Pull complete"]
