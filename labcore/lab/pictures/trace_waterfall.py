"""Trace waterfall: a command's calls, the daemon's jobs and their parts, and each op of a start, over time."""

from collections.abc import Sequence
from typing import Final

from labcore.lab.messages import say
from labcore.lab.pictures.folding import folded
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.sequence import short
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
from labcore.lab.pictures.waterfall_chart import ROWS_MAX, Bar, cut, waterfall_chart
from labcore.trace import Span, rows

COLOURS: Final = {"command": MUTED, "call": SHARED_TOO, "job": HERE, "part": NEW, "op": OWN}
LABEL_WIDTH: Final = 48
TITLE_WIDTH: Final = 40
LONGEST: Final = 3
LONGEST_NAME: Final = 32


@house_style()
def trace_waterfall(root: Span, depth: int | None = None) -> Picture:
    """Draw a span and all below it, or `depth` levels of that: when each began, and how long it took.

    Of more than there is room for, the client's calls are shown, and of the rest those that took longest.
    """
    below = [(level, span) for level, span in rows(root) if depth is None or level <= depth]
    shown, _ = folded(below, ROWS_MAX, _weight)
    heading = say("{title}: {time:.1f} ms", title=shorten(short(root.name), TITLE_WIDTH), time=root.duration_ms)
    if len(shown) < len(below):
        heading += say(", the {count} longest of {all} parts", count=len(shown), all=len(below))
    drawn = waterfall_chart(
        [_bar(level, span, root.start) for level, span in shown],
        root.duration_ms,
        heading=heading,
        axis=say("milliseconds after the command was started") if root.kind == "command" else say("milliseconds"),
        legend=_legend({span.kind for _, span in shown}),
    )
    said = _longest(root)
    return Picture(drawn, sentences([sentence(heading), said]), said)


def _weight(row: tuple[int, Span]) -> tuple[bool, float, int]:
    """Return what comes before what: calls, then what took longest, and what it is a part of before itself."""
    level, span = row
    return span.kind in ("command", "call"), span.duration_ms, -level


def _bar(depth: int, span: Span, start: int) -> Bar:
    label = cut(f"{'  ' * depth}{short(span.name)}", LABEL_WIDTH)
    return Bar(label, (span.start - start) / 1e6, span.duration_ms, COLOURS[span.kind])


def _longest(root: Span) -> str:
    """Return which jobs took longest, and how many ops were among what they did, as a sentence."""
    spans = [span for _, span in rows(root)]
    if root.kind != "command":
        return _longest_parts(spans[1:])
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


def _longest_parts(parts: Sequence[Span]) -> str:
    innermost = sorted((part for part in parts if not part.children), key=lambda part: -part.duration_ms)
    names = listed(f"{shorten(part.name, LONGEST_NAME)} {duration(part.duration_ms)}" for part in innermost[:LONGEST])
    return say("These took longest: {names}.", names=names) if names else ""


def _legend(kinds: set[str]) -> dict[str, str]:
    words = {
        "command": say("the command"),
        "call": say("a call of the client's"),
        "job": say("a job of the daemon's"),
        "part": say("a part of it"),
        "op": say("an op of the start"),
    }
    return {colour: words[kind] for kind, colour in COLOURS.items() if kind in kinds}
