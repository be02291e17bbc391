"""Pictures of what the kernel did, all in one style: readable in print and by colour-blind readers."""

import io
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from labcore.record import Record
from labcore.spec import Moment

# Okabe and Ito's colours, which stay apart for colour-blind eyes, by what an op works on.
KINDS = {
    "process": ("#D55E00", {"clone", "setsid", "umask", "execve", "close_range", "death signal", "sync"}),
    "names": ("#CC79A7", {"sethostname", "link up"}),
    "mounts": ("#0072B2", {"mount", "umount2", "pivot_root", "chdir"}),
    "files": ("#009E73", {"mkdir", "mknod", "symlink", "write"}),
    "protection": ("#E69F00", {"hide", "read-only", "capabilities", "no new privileges"}),
}
OTHER = "#999999"
LABEL_WIDTH = 44


class Picture(Record):
    """A figure that a notebook shows as the last value of a cell."""

    figure: Figure

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue()

    def __repr__(self) -> str:
        return "<Picture>"


def waterfall(timeline: Sequence[Moment], *, title: str = "One container start, op by op") -> Picture:
    """Draw when each op of a start began and how long it took, from the call of clone to the program's first instruction."""
    figure = Figure(figsize=(10, 0.19 * len(timeline) + 1.1), layout="constrained")
    axes = figure.add_subplot()
    rows = range(len(timeline))
    end = timeline[-1].start_us + timeline[-1].duration_us
    widths = [max(moment.duration_us, end / 400) for moment in timeline]  # even the shortest is to be seen
    axes.barh(rows, widths, left=[moment.start_us for moment in timeline], color=_colours(timeline))
    for row, moment in zip(rows, timeline, strict=True):
        if moment.duration_us > end / 50:
            axes.text(moment.start_us + moment.duration_us + end / 150, row, f"{moment.duration_us:.0f}", va="center", size=8)
    axes.set_yticks(rows, [_label(moment) for moment in timeline], size=8, family="monospace")
    axes.set_ylim(len(timeline) - 0.4, -0.6)
    axes.set_xlim(0, end * 1.06)
    axes.set_xlabel("microseconds after clone was called")
    axes.set_title(f"{title}: {end / 1000:.1f} ms", loc="left", weight="bold")
    axes.grid(axis="x", color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    _legend(axes, timeline)
    return Picture(figure)


def _label(moment: Moment) -> str:
    text = f"{moment.name} {moment.detail}"
    shown = text if len(text) <= LABEL_WIDTH else text[: LABEL_WIDTH - 1] + "…"
    return f"{shown:{LABEL_WIDTH}} {moment.index:2}"


def _kind(moment: Moment) -> tuple[str, str]:
    return next(((kind, colour) for kind, (colour, names) in KINDS.items() if moment.name in names), ("other", OTHER))


def _colours(timeline: Sequence[Moment]) -> list[str]:
    return [_kind(moment)[1] for moment in timeline]


def _legend(axes: Axes, timeline: Sequence[Moment]) -> None:
    kinds = dict(_kind(moment) for moment in timeline)
    handles = [Patch(color=colour, label=kind) for kind, colour in kinds.items()]
    axes.legend(handles=handles, frameon=False, fontsize=8, loc="upper right")
