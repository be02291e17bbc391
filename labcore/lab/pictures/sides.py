"""Side-by-side panels with a tree of lines in each."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes

from labcore.lab.pictures.style import LINE, MUTED, NORMAL, PANEL, SMALL, TITLE, box, write

LEFTS: Final = (0.2, 4.6)  # of the panels, inches
BREADTH: Final = 4.2
TOP: Final = 1.0  # where the first row's upper edge is


def title(axes: Axes, text: str) -> None:
    """Write what the picture is of."""
    write(axes, LEFTS[0], 0.28, text, size=TITLE, bold=True)


def panel(axes: Axes, left: float, top: float, height: float, name: str, remark: str) -> None:
    """Draw the ground that a tree's rows stand on, its name and a remark above."""
    box(axes, left, top - 0.08, BREADTH, height + 0.16, face=PANEL, edge=LINE, linewidth=0.8, zorder=0)
    write(axes, left + 0.05, top - 0.26, name, size=NORMAL, bold=True)
    write(axes, left + BREADTH - 0.05, top - 0.26, remark, size=SMALL, colour=MUTED, side="right")


def indent(depths: Sequence[int], most: float, room: float) -> float:
    """Return how far to indent each level, in inches: `most`, or less where a tree is so deep that it needs the `room`."""
    return min(most, room / max(1, *depths))


def guides(axes: Axes, left: float, step: float, rows: Sequence[tuple[int, float]], half: float) -> None:
    """Draw a tree's lines: each row is its depth and its middle's height, `half` above its lower edge."""
    for index, (depth, y) in enumerate(rows):
        below = rows[index + 1 :]
        end = next((n for n, (other, _) in enumerate(below) if other <= depth), len(below))
        children = [child for other, child in below[:end] if other == depth + 1]
        if children:
            x = left + (depth + 0.5) * step
            axes.vlines(x, y + half, children[-1], color=LINE, linewidth=0.9, zorder=1)
            axes.hlines(children, x, x + 0.4 * step, color=LINE, linewidth=0.9, zorder=1)
