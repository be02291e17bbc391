"""Mount trees picture: two side by side, and what only one of them has."""

from collections.abc import Callable, Sequence
from typing import Final

from matplotlib.axes import Axes

from labcore.errors import InvalidInput
from labcore.lab.messages import say
from labcore.lab.pictures import mountinfo, sides
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.mountinfo import Mount
from labcore.lab.pictures.outline import Row, outline, walk
from labcore.lab.pictures.proc import Target
from labcore.lab.pictures.style import (
    GONE,
    MUTED,
    NEW,
    NORMAL,
    SMALL,
    WIDTH,
    Picture,
    breadth,
    canvas,
    listed,
    sentences,
    shorten,
    write,
)

MOST: Final = 18  # rows of a tree
ROW, STEP, ROOM = 0.215, 0.19, 1.2  # inches
TREE_AT, KIND_AT = 0.25, 3.2  # from a panel's left end
SIGNS: Final = (("−", GONE), ("+", NEW))  # of what only the left side has, and only the right


@house_style()
def mounts(before: Target | str, after: Target | str, *, labels: Sequence[str] | None = None) -> Picture:
    """Draw two mount trees side by side, and mark what only one of them has.

    Each is a process, its number, or the text of its /proc/PID/mountinfo, kept from earlier; `labels` are the two names to
    write above. Raises InvalidInput if a process has ended, or a text is none of a mountinfo file.
    """
    if labels is not None and len(labels) != 2:
        raise InvalidInput(say("{labels} labels for {count} columns", labels=len(labels), count=2))
    trees = [mountinfo.mount_trees(subject) for subject in (before, after)]
    names = [shorten(name, 34) for name in labels or (say("before"), say("after"))]
    others = [mountinfo.keys(tree) for tree in reversed(trees)]
    outlines = [outline(tree, MOST, _missing(other)) for tree, other in zip(trees, others, strict=True)]
    bottom = sides.TOP + ROW * max(map(len, outlines))
    drawn, axes = canvas(bottom + 0.5)
    sides.title(axes, say("What is mounted"))
    for side, left in enumerate(sides.LEFTS):
        remark = say("{count} mounts", count=mountinfo.count(trees[side]))
        sides.panel(axes, left, sides.TOP, bottom - sides.TOP, names[side], remark)
        _mount_rows(axes, left, outlines[side], others[side], SIGNS[side])
    rule = say("−  only in “{before}”        +  only in “{after}”", before=names[0], after=names[1])
    write(axes, WIDTH / 2, bottom + 0.29, rule, size=SMALL, colour=MUTED, side="center")
    return Picture(drawn, sentences(_alt(*side) for side in zip(names, trees, others, strict=True)))


def _alt(name: str, tree: tuple[Mount, ...], other: set[tuple[str, ...]]) -> str:
    points = [f"{mount.point} ({mount.kind})" for mount in walk(tree) if mount.key not in other]
    shown = listed(points[:MOST]) + (say(" and {count} more", count=len(points) - MOST) if len(points) > MOST else "")
    return say("{name}: {count} mounts; only there: {points}.", name=name, count=mountinfo.count(tree), points=shown or "-")


def _missing(known: set[tuple[str, ...]]) -> Callable[[Mount], bool]:
    return lambda mount: mount.key not in known


def _mount_rows(
    axes: Axes, left: float, rows: Sequence[Row[Mount]], other: set[tuple[str, ...]], mark: tuple[str, str]
) -> None:
    heights = [sides.TOP + ROW * (index + 0.5) for index in range(len(rows))]
    depths = [row.depth for row in rows]
    step = sides.indent(depths, STEP, ROOM)
    sides.guides(axes, left + TREE_AT, step, list(zip(depths, heights, strict=True)), ROW * 0.4)
    for row, y in zip(rows, heights, strict=True):
        x = left + TREE_AT + row.depth * step
        if row.node is None:
            write(axes, x, y, say("… {count} more", count=row.hidden), size=SMALL, colour=MUTED)
            continue
        changed = row.node.key not in other
        room = int((left + KIND_AT - x) / breadth(" ", SMALL)) - 1
        write(axes, x, y, shorten(row.node.point, room), size=SMALL, mono=True, bold=changed)
        write(axes, left + KIND_AT, y, shorten(row.node.kind, 14), size=SMALL, mono=True, colour=MUTED)
        if changed:
            write(axes, left + 0.13, y, mark[0], size=NORMAL, bold=True, colour=mark[1], side="center")
