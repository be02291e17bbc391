"""Trace waterfall: a command's calls, the daemon's jobs and their parts, and each op of a start, over time."""

from typing import Final

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from labcore.lab.messages import say
from labcore.lab.pictures.fonts import fonts, house_style
from labcore.lab.pictures.style import (
    HERE,
    MUTED,
    NEW,
    NORMAL,
    OWN,
    SHARED_TOO,
    SMALL,
    TITLE,
    WIDTH,
    Picture,
    duration,
    emphasis,
    figure,
    listed,
    sentence,
    sentences,
    shorten,
    write,
)
from labcore.trace import Span, rows

COLOURS: Final = {"command": MUTED, "call": SHARED_TOO, "job": HERE, "part": NEW, "op": OWN}
LABEL_WIDTH: Final = 48
TITLE_WIDTH: Final = 40
ROWS_MAX: Final = 120
LONGEST: Final = 3


@house_style()
def trace_waterfall(root: Span) -> Picture:
    """Draw a command's span and all below it: when each began, and how long it took."""
    shown = list(rows(root))[:ROWS_MAX]
    end = root.duration_ms
    drawn, axes = figure(WIDTH, 0.15 * len(shown) + 1.1)
    _bars(axes, [span for _, span in shown], root.start, end)
    labels = [_label(f"{'  ' * depth}{span.name}") for depth, span in shown]
    axes.set_yticks(range(len(shown)), labels, size=SMALL, family=fonts(mono=True))
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(0, end * 1.12)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.set_xlabel(say("milliseconds after the command was started"), size=NORMAL)
    heading = say("{title}: {time:.1f} ms", title=shorten(root.name, TITLE_WIDTH), time=end)
    axes.set_title(heading, loc="left", size=TITLE, **emphasis(heading, TITLE))
    _legend(axes, {span.kind for _, span in shown})
    return Picture(drawn, sentences([sentence(heading), _longest(root)]), _longest(root))


def _label(text: str) -> str:
    shown = text if len(text) <= LABEL_WIDTH else text[: LABEL_WIDTH - 1] + "…"
    return shown.ljust(LABEL_WIDTH)


def _longest(root: Span) -> str:
    """Return which jobs took longest, and how many ops were among what they did, as a sentence."""
    spans = [span for _, span in rows(root)]
    jobs = sorted((span for span in spans if span.kind == "job"), key=lambda span: span.start - span.end)
    if not jobs:
        return say("The daemon was asked for nothing.")
    names = listed(f"{job.name.partition(' ')[2].split()[0]} {duration(job.duration_ms)}" for job in jobs[:LONGEST])
    ops = sum(span.kind == "op" for span in spans)
    return say(
        "Of the daemon's {jobs} jobs these took longest: {names}. {ops} ops started containers.",
        jobs=len(jobs),
        names=names,
        ops=ops,
    )


def _bars(axes: Axes, spans: list[Span], start: int, end: float) -> None:
    begins = [(span.start - start) / 1e6 for span in spans]
    widths = [max(span.duration_ms, end / 400) for span in spans]  # even the shortest is to be seen
    axes.barh(range(len(spans)), widths, left=begins, color=[COLOURS[span.kind] for span in spans])
    for row, (span, begin) in enumerate(zip(spans, begins, strict=True)):
        if span.duration_ms > end / 50:
            write(axes, begin + span.duration_ms + end / 150, row, duration(span.duration_ms), size=SMALL)


def _legend(axes: Axes, kinds: set[str]) -> None:
    words = {
        "command": say("the command"),
        "call": say("a call of the client's"),
        "job": say("a job of the daemon's"),
        "part": say("a part of it"),
        "op": say("an op of the start"),
    }
    handles = [Patch(color=colour, label=words[kind]) for kind, colour in COLOURS.items() if kind in kinds]
    axes.legend(handles=handles, frameon=False, fontsize=SMALL, loc="best")
