"""Process tree picture: from outside and from inside its PID namespace, the same processes with other numbers."""

import os
from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes

from labcore.lab.messages import say
from labcore.lab.pictures import proc, sides
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.outline import Row, outline
from labcore.lab.pictures.proc import Target, Task
from labcore.lab.pictures.style import (
    HERE,
    INK,
    MUTED,
    NORMAL,
    PANEL,
    SMALL,
    Picture,
    box,
    breadth,
    canvas,
    clauses,
    shorten,
    write,
)
from labcore.record import Record

MOST: Final = 10  # rows
ROW, BOX, STEP, ROOM = 0.4, 0.28, 0.3, 1.5  # inches
DASHES: Final = (0, (4, 2))  # of the joining lines, points
STARTS: Final = [left + 0.15 for left in sides.LEFTS]  # of the two trees


class Line(Record):
    """What one side shows in a row: a process's number there, or a remark alone."""

    depth: int
    y: float
    number: str
    name: str
    remark: str = ""

    @property
    def length(self) -> float:
        """How wide its box is, in inches."""
        return breadth(f"{self.number} {self.name}", NORMAL) + 0.16


@house_style()
def processes(process: Target) -> Picture:
    """Draw a process and its descendants twice: as this machine numbers them, and as its own PID namespace does.

    Above it stand one or two that it descends from, the calling process being the last. Raises InvalidInput if it has ended.
    """
    root = proc.tree(proc.number(process))
    rows = outline([proc.under_ancestors(root)], MOST, lambda task: task.pid == root.pid)
    outside, inside = lines(rows, 1), lines(rows, len(root.numbers))
    bottom = sides.TOP + ROW * len(rows)
    drawn, axes = canvas(bottom + 0.3)
    sides.title(axes, say("The same processes, seen from outside and from inside"))
    sides.panel(axes, sides.LEFTS[0], sides.TOP, bottom - sides.TOP, say("outside"), say("numbers of this machine"))
    top = inside[0].y - ROW / 2
    sides.panel(axes, sides.LEFTS[1], top, bottom - top, say("inside"), say("numbers of its PID namespace"))
    step = sides.indent([line.depth for line in outside], STEP, ROOM)
    _join(axes, step, outside, inside)
    _draw(axes, STARTS[0], step, outside)
    _draw(axes, STARTS[1], step, inside)
    return Picture(drawn, _alt(outside, inside))


def _alt(outside: Sequence[Line], inside: Sequence[Line]) -> str:
    beside = {line.y: line.number for line in inside if line.number}
    names = [
        say("{name}, outside {number}, inside {other}", name=line.name, number=line.number, other=beside[line.y])
        if line.y in beside
        else say("{name}, outside {number}, not to be seen inside", name=line.name, number=line.number)
        for line in outside
        if line.number
    ]
    return say("Processes, each below its parent: {names}.", names=clauses(names))


def lines(rows: Sequence[Row[Task]], namespace: int) -> list[Line]:
    """Return what is to be seen from the PID namespace at that depth; the others are above its first process."""
    found: list[Line] = []
    above = 0
    for index, row in enumerate(rows):
        y = sides.TOP + ROW * (index + 0.5)
        number = row.node.inside(namespace) if row.node is not None else None
        if row.node is None:
            found.append(Line(max(0, row.depth - above), y, "", "", say("… {count} more", count=row.hidden)))
        elif number is None:
            above += 1
        else:
            found.append(Line(row.depth - above, y, str(number), shorten(row.node.name, 15), _remark(row.node)))
    return found


def _remark(task: Task) -> str:
    if task.pid == os.getpid():
        return say("you are here")
    return say("zombie") if task.ended else ""


def _draw(axes: Axes, start: float, step: float, lines: Sequence[Line]) -> None:
    sides.guides(axes, start, step, [(line.depth, line.y) for line in lines], BOX / 2)
    for line in lines:
        left = start + line.depth * step
        if line.number:
            box(axes, left, line.y - BOX / 2, line.length, BOX, face="white", edge=INK, linewidth=1)
            write(axes, left + 0.08, line.y, line.number, bold=True, mono=True)
            write(axes, left + 0.08 + breadth(f"{line.number} ", NORMAL), line.y, line.name, mono=True)
            left += line.length + 0.08
        if line.remark:
            write(axes, left, line.y, line.remark, size=SMALL, colour=MUTED, ground=PANEL)  # the joining line goes behind


def _join(axes: Axes, step: float, outside: Sequence[Line], inside: Sequence[Line]) -> None:
    """Draw a line between the two boxes of each process."""
    beside = {line.y: line for line in inside if line.number}
    for line in outside:
        if line.number and line.y in beside:
            ends = [STARTS[0] + line.depth * step + line.length, STARTS[1] + beside[line.y].depth * step]
            axes.plot(ends, [line.y, line.y], color=HERE, linewidth=1.2, linestyle=DASHES, marker="o", markersize=3, zorder=2)
