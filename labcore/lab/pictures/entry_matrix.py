"""Matrix picture: what runs for each form of ENTRYPOINT with each of CMD, with arguments and without; computed live."""

import shlex
from typing import Final

from matplotlib.axes import Axes

from labcore.lab.daemons import RunningDaemon
from labcore.lab.entry_point_runs import ARGUMENTS, COMMANDS, ENTRYPOINTS, Combination, Started, combinations
from labcore.lab.messages import say
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.style import (
    INK,
    LINE,
    MUTED,
    NEW,
    OWN,
    PANEL,
    SMALL,
    WIDTH,
    Picture,
    box,
    canvas,
    sentences,
    shorten,
    write,
)

LEFT, TOP, CELL_WIDTH, CELL, GAP = 1.2, 0.98, 2.52, 1.36, 0.08  # inches
PALE: Final = {NEW: "#d9f0e8", OWN: "#f7dcc8", LINE: PANEL}
LETTERS: Final = 35  # that fit a cell


@house_style()
def entry_points(daemon: RunningDaemon) -> Picture:
    """Build and run each combination on a lesson's daemon, and draw the words of its first process, and what it printed."""
    found = combinations(daemon)
    drawn, axes = canvas(TOP + 3 * (CELL + GAP) + 0.36)
    for number, command in enumerate(COMMANDS):
        _head(axes, LEFT + number * (CELL_WIDTH + GAP) + CELL_WIDTH / 2, TOP - 0.28, "CMD", command)
    for number, entrypoint in enumerate(ENTRYPOINTS):
        _head(axes, LEFT / 2, TOP + number * (CELL + GAP) + CELL / 2, "ENTRYPOINT", entrypoint)
    for number, each in enumerate(found):
        row, column = divmod(number, len(COMMANDS))
        _cell(axes, LEFT + column * (CELL_WIDTH + GAP), TOP + row * (CELL + GAP), each)
    write(axes, WIDTH / 2, 0.24, say("what the container's first process is, and what it prints"), bold=True, side="center")
    rule = say("green: the program itself is process 1        orange: a shell is, and the program is its child")
    write(axes, WIDTH / 2, TOP + 3 * (CELL + GAP) + 0.14, rule, size=SMALL, colour=MUTED, side="center")
    return Picture(drawn, sentences(_alt(each) for each in found))


def _head(axes: Axes, x: float, y: float, name: str, line: str) -> None:
    words = line.partition(" ")[2] or say("none")
    write(axes, x, y - 0.1, name, mono=True, bold=True, side="center")
    write(axes, x, y + 0.1, words, size=SMALL, mono=bool(line), colour=INK if line else MUTED, side="center")


def _cell(axes: Axes, x: float, y: float, each: Combination) -> None:
    for number, (started, arguments) in enumerate(zip((each.alone, each.given), ARGUMENTS, strict=True)):
        top, height = y + number * CELL / 2, CELL / 2 - 0.03
        edge = LINE if not started.words else OWN if started.by_shell else NEW
        box(axes, x, top, CELL_WIDTH, height, face=PALE[edge], edge=edge, linewidth=1.2)
        write(axes, x + 0.1, top + 0.14, " ".join(("$ docker run IMAGE", *arguments)), size=SMALL, mono=True, colour=MUTED)
        write(axes, x + 0.1, top + 0.34, _words(started), size=SMALL, mono=True)
        if started.words:
            write(axes, x + 0.1, top + 0.53, f"→ {shorten(started.printed, LETTERS - 2)}", size=SMALL, mono=True, bold=True)


def _words(started: Started) -> str:
    return shorten(shlex.join(started.words), LETTERS) if started.words else say("refused: there is nothing to run")


def _alt(each: Combination) -> str:
    what = " + ".join(filter(None, (each.entrypoint, each.command))) or say("neither")
    first, second = (
        say("{words} prints {printed}", words=shlex.join(started.words), printed=started.printed or say("nothing"))
        if started.words
        else say("refused: there is nothing to run")
        for started in (each.alone, each.given)
    )
    return say("{what}: {first}; with echo A behind the name, {second}.", what=what, first=first, second=second)
