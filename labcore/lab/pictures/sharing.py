"""Namespaces picture: a column for each process, one wide box for a namespace that several share."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from matplotlib.axes import Axes

from labcore.errors import InvalidInput, LabcoreError
from labcore.lab.messages import say
from labcore.lab.pictures import proc
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.style import (
    INK,
    LINE,
    MUTED,
    NORMAL,
    OWN,
    SHARED,
    SHARED_TOO,
    SMALL,
    TITLE,
    WIDTH,
    Picture,
    box,
    canvas,
    listed,
    sentences,
    shorten,
    write,
)
from labcore.record import Record

MOST: Final = 4  # processes: more columns have no room for their numbers
LEFT, RIGHT, TOP, ROW, GAP = 2.35, 0.2, 1.05, 0.48, 0.1  # inches
BOX_FROM, BOX_TO = 0.06, 0.36  # below a row's upper edge
BARS: Final = {SHARED: 0.4, SHARED_TOO: 0.44}  # two are enough: four processes make no third group


class Column(Record):
    """A process, by what stands above its column, and the inode number of each of its namespaces, by kind."""

    label: str
    number: int
    namespaces: dict[str, int]


@house_style()
def namespaces(*processes: proc.Target, labels: Sequence[str] | None = None) -> Picture:
    """Draw which namespaces two to four processes share: a row for each kind of namespace.

    A process is a number or anything with a `pid`; `labels` stand in place of the programs' names. Raises InvalidInput if a
    process has ended, Unavailable if it may not be looked into.
    """
    if not 2 <= len(processes) <= MOST:
        raise InvalidInput(say("from 2 to {most} processes can be compared, not {count}", most=MOST, count=len(processes)))
    if labels is not None and len(labels) != len(processes):
        raise InvalidInput(say("{labels} labels for {count} columns", labels=len(labels), count=len(processes)))
    columns = [column(process, labels[i] if labels else None) for i, process in enumerate(processes)]
    kinds, machine = _kinds(), _machines()
    drawn, axes = canvas(TOP + ROW * len(columns[0].namespaces) + 0.45)
    write(axes, 0.2, 0.28, say("Who shares which namespace"), size=TITLE, bold=True)
    _header(axes, columns)
    for row, kind in enumerate(columns[0].namespaces):
        _row(axes, TOP + ROW * row, kind, kinds[kind], [column.namespaces[kind] for column in columns], machine)
    rule = say("Filled: one namespace for several, and its inode number. White: no other process in this picture is in it.")
    write(axes, 0.2, TOP + ROW * len(columns[0].namespaces) + 0.2, rule, size=SMALL, colour=MUTED)
    return Picture(drawn, _alt(columns, machine))


def _alt(columns: Sequence[Column], machine: set[int]) -> str:
    """Return who shares what: the kinds of namespaces that are shared in the same way are named together."""
    ways: dict[str, list[str]] = {}
    for kind in columns[0].namespaces:
        inodes = [column.namespaces[kind] for column in columns]
        alike = (_way([columns[index].label for index in group], inodes[group[0]], machine) for group in proc.groups(inodes))
        ways.setdefault(listed(alike), []).append(kind)
    return sentences(say("Namespaces {kinds}: {ways}.", kinds=listed(kinds), ways=way) for way, kinds in ways.items())


def _way(names: Sequence[str], inode: int, machine: set[int]) -> str:
    if len(names) > 1:
        return say("shared by {names}", names=say(" and ").join(names))
    return say("{name} has the machine's", name=names[0]) if inode in machine else say("{name} has its own", name=names[0])


def _machines() -> set[int]:
    """Return the namespaces that the machine itself is in: those of process 1. None, where nobody may look."""
    with suppress(LabcoreError):
        return set(proc.namespaces(1).values())
    return set()


def column(process: proc.Target, label: str | None) -> Column:
    """Return what is to be drawn of a process."""
    number = proc.number(process)
    return Column(label or proc.task(number).name, number, proc.namespaces(number))


def _span(first: int, last: int, count: int) -> tuple[float, float]:
    """Return the left end and the width of a box over some of `count` columns."""
    width = (WIDTH - LEFT - RIGHT) / count
    return LEFT + first * width + GAP / 2, (last - first + 1) * width - GAP


def _header(axes: Axes, columns: Sequence[Column]) -> None:
    for index, column in enumerate(columns):
        left, width = _span(index, index, len(columns))
        middle = left + width / 2
        write(axes, middle, 0.66, shorten(column.label, int(width * 11)), bold=True, side="center")
        write(axes, middle, 0.86, say("process {pid}", pid=column.number), size=SMALL, colour=MUTED, side="center")


def _row(axes: Axes, top: float, kind: str, meaning: str, inodes: Sequence[int], machine: set[int]) -> None:
    axes.plot([0.2, WIDTH - RIGHT], [top, top], color=LINE, linewidth=0.5)
    middle = top + (BOX_FROM + BOX_TO) / 2
    write(axes, 0.2, middle, kind, mono=True, bold=True)
    write(axes, 0.95, middle, meaning, size=SMALL, colour=MUTED)
    colours = iter(BARS)
    for group in proc.groups(inodes):
        inode = inodes[group[0]]
        word = say("shared") if len(group) > 1 else say("the machine's") if inode in machine else say("own")
        _group(axes, top, group, (word, inode), len(inodes), next(colours) if len(group) > 1 else "")


def _group(axes: Axes, top: float, group: tuple[int, ...], words: tuple[str, int], count: int, colour: str) -> None:
    """Draw one namespace: a box for each run of neighbours, and a bar that joins the boxes below those between them."""
    runs = [_span(first, last, count) for first, last in proc.runs(group)]
    middles = [left + width / 2 for left, width in runs]
    if len(runs) > 1:
        bar = top + BARS[colour]
        axes.hlines(bar, middles[0], middles[-1], color=colour, linewidth=2.5)
        axes.vlines(middles, top + BOX_TO, bar, color=colour, linewidth=2.5)
    for (left, width), middle in zip(runs, middles, strict=True):
        box(axes, left, top + BOX_FROM, width, BOX_TO - BOX_FROM, face=colour or "white", edge=colour or OWN, linewidth=1.4)
        _inscription(axes, middle, top + (BOX_FROM + BOX_TO) / 2, *words, colour)


def _inscription(axes: Axes, x: float, y: float, word: str, inode: int, colour: str) -> None:
    ink = "white" if colour == SHARED else INK
    write(axes, x - 0.06, y, word, size=NORMAL, colour=ink, bold=True, side="right")
    write(axes, x + 0.06, y, str(inode), size=SMALL, colour=ink, mono=True)


def _kinds() -> dict[str, str]:
    return {
        "mnt": say("mounts"),
        "pid": say("process numbers"),
        "uts": say("host name"),
        "ipc": say("shared memory, queues"),
        "net": say("network"),
        "cgroup": say("root of the cgroups"),
        "user": say("users, privileges"),
        "time": say("clocks"),
    }
