"""Trace waterfall: a command's calls, the daemon's jobs and their parts, and each op of a start, over time."""

from typing import Final

from labcore.lab.messages import say
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.style import (
    HERE,
    MUTED,
    NEW,
    OWN,
    SHARED_TOO,
    Picture,
    duration,
    listed,
    sentence,
    sentences,
    shorten,
)
from labcore.lab.pictures.waterfall_chart import Bar, cut, waterfall_chart
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
    heading = say("{title}: {time:.1f} ms", title=shorten(root.name, TITLE_WIDTH), time=root.duration_ms)
    drawn = waterfall_chart(
        [_bar(depth, span, root.start) for depth, span in shown],
        root.duration_ms,
        heading=heading,
        axis=say("milliseconds after the command was started"),
        legend=_legend({span.kind for _, span in shown}),
    )
    return Picture(drawn, sentences([sentence(heading), _longest(root)]), _longest(root))


def _bar(depth: int, span: Span, start: int) -> Bar:
    label = cut(f"{'  ' * depth}{span.name}", LABEL_WIDTH)
    return Bar(label, (span.start - start) / 1e6, span.duration_ms, COLOURS[span.kind])


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


def _legend(kinds: set[str]) -> dict[str, str]:
    words = {
        "command": say("the command"),
        "call": say("a call of the client's"),
        "job": say("a job of the daemon's"),
        "part": say("a part of it"),
        "op": say("an op of the start"),
    }
    return {colour: words[kind] for kind, colour in COLOURS.items() if kind in kinds}
