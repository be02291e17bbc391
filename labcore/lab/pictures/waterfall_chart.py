"""Waterfall chart: a row for each span of time, its bar over milliseconds from the first one's begin."""

from collections.abc import Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from labcore.lab.pictures.fonts import fonts
from labcore.lab.pictures.style import NORMAL, SMALL, TITLE, WIDTH, duration, emphasis, figure, rows_in, write
from labcore.record import Record

ROW, AROUND = 0.15, 1.3  # inches: a row, and heading, axis and legend together
ROWS_MAX: Final = rows_in(AROUND, ROW)
LEAST: Final = 1 / 400  # of the whole time: even the shortest bar is to be seen
SAID: Final = 1 / 50  # of the whole time: of longer bars it is written how long they are


class Bar(Record):
    """A row: its label, when its span began and how long that took, in milliseconds, and its colour."""

    label: str
    start_ms: float
    duration_ms: float
    colour: str


def waterfall_chart(bars: Sequence[Bar], end_ms: float, *, heading: str, axis: str, legend: Mapping[str, str]) -> Figure:
    """Draw the bars, the first one topmost, up to `end_ms`: ROWS_MAX at most have room in a window.

    `axis` says since when time is counted; `legend` has words by their colour.
    """
    drawn, axes = figure(WIDTH, ROW * len(bars) + AROUND)
    _draw(axes, bars, end_ms)
    axes.set_yticks(range(len(bars)), [bar.label for bar in bars], size=SMALL, family=fonts(mono=True))
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlim(0, end_ms * 1.12)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.set_xlabel(axis, size=NORMAL)
    axes.set_title(heading, loc="left", size=TITLE, **emphasis(heading, TITLE))
    handles = [Patch(color=colour, label=word) for colour, word in legend.items()]
    # Below the axis: in a corner of the plot there may be bars, as of parts that last as long as the whole.
    drawn.legend(handles=handles, frameon=False, fontsize=SMALL, loc="outside lower right", ncols=len(handles))
    return drawn


def cut(text: str, width: int) -> str:
    """Return a label of just so many letters."""
    return (text if len(text) <= width else text[: width - 1] + "…").ljust(width)


def _draw(axes: Axes, bars: Sequence[Bar], end_ms: float) -> None:
    widths = [max(bar.duration_ms, end_ms * LEAST) for bar in bars]
    axes.barh(range(len(bars)), widths, left=[bar.start_ms for bar in bars], color=[bar.colour for bar in bars])
    for row, bar in enumerate(bars):
        if bar.duration_ms > end_ms * SAID:
            write(axes, bar.start_ms + bar.duration_ms + end_ms / 150, row, duration(bar.duration_ms), size=SMALL)
