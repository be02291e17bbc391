"""Start waterfalls of the comparison: a container's op by op, a virtual machine's phase by phase."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from matplotlib.axes import Axes

from labcore.bench.comparison import Comparison, Step
from labcore.errors import InvalidInput
from labcore.lab.messages import say
from labcore.lab.pictures import comparison_labels as labels
from labcore.lab.pictures import comparison_words as words
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.style import (
    LINE,
    NORMAL,
    SHARED,
    SMALL,
    WIDTH,
    Picture,
    duration,
    emphasis,
    listed,
    sentences,
    sheet,
    write,
)
from labcore.lab.pictures.waterfall import KINDS, OTHER

MACHINE_COLOURS: Final = {
    "qemu": "#999999",
    "qemu, firmware, kernel decompressed": "#999999",
    "firmware": "#E69F00",
    "kernel": "#D55E00",
    "kernel and first process": "#D55E00",
    "first root": "#CC79A7",
    "first process": "#0072B2",
    "systemd and its services": "#0072B2",
}


@house_style()
def where_starts_go(found: Comparison) -> Picture:
    """Draw where the time of one start goes: of a container op by op, of virtual machines phase by phase."""
    machines = [name for name in ("microvm", "virt", "q35", "debian") if name in found.timelines]
    subjects = [*(["labcore"] if "labcore" in found.timelines else []), *machines[-2:]]
    if not subjects:
        raise InvalidInput(say("this comparison has no {what}: measure it first", what="timelines"))
    rows = {name: grouped(found.timelines[name]) if name == "labcore" else list(found.timelines[name]) for name in subjects}
    drawn = sheet(WIDTH, sum(0.2 * len(steps) + 0.85 for steps in rows.values()))
    panels = drawn.subplots(len(subjects), squeeze=False, height_ratios=[len(steps) + 2.5 for steps in rows.values()])
    container = _end(found.timelines["labcore"]) if "labcore" in subjects else None
    for axes, name in zip(panels[:, 0], subjects, strict=True):
        _steps(axes, name, rows[name], None if name == "labcore" else container)
    shown = {step.name for name in machines[-2:] for step in rows[name]}
    explained = [(labels.phase(name), text) for name, text in labels.phase_explained().items() if name in shown]
    legend = say("A container's rows are ops of its plan, short ones together, their number in brackets.")
    alt = sentences(_alt(name, rows[name]) for name in subjects)
    return Picture(drawn, alt, words.caption(legend, explained))


def _alt(name: str, steps: Sequence[Step]) -> str:
    """Return one waterfall as a sentence."""
    names = ((step.name if name == "labcore" else labels.phase(step.name), step.duration_ms) for step in steps)
    parts = listed(f"{text} {duration(ms)}" for text, ms in names)
    return say("{subject} took {time}: {parts}.", subject=labels.subject(name), time=duration(_end(steps)), parts=parts)


def grouped(steps: Sequence[Step]) -> list[Step]:
    """Return a plan's ops as fewer: of one kind, or so short that nobody sees them, those that follow one another are one."""
    runs: list[list[Step]] = []
    for _, group in groupby(steps, key=lambda step: _kind(step.name)):
        run = list(group)
        short = _took(run) < _end(steps) / 40
        if short and runs and _took(runs[-1]) < _end(steps) / 10 and _took(runs[-1][-1:]) < _end(steps) / 40:
            runs[-1] += run
        else:
            runs.append(run)
    return [_merged(run) for run in runs]


def _took(run: Sequence[Step]) -> float:
    return run[-1].start_ms + run[-1].duration_ms - run[0].start_ms


def _merged(run: Sequence[Step]) -> Step:
    """Return several ops as one, under the names of its first, in the colour of what most of its time went to."""
    names = list(dict.fromkeys(step.name for step in run))
    times: dict[str, float] = {}
    for step in run:
        times[_kind(step.name)] = times.get(_kind(step.name), 0.0) + step.duration_ms
    label = f"{', '.join(names[:3])}{' …' if len(names) > 3 else ''}{f' ({len(run)})' if len(run) > len(names[:3]) else ''}"
    return Step(label, max(times, key=lambda kind: times[kind]), run[0].start_ms, _took(run))


def _kind(op: str) -> str:
    return next((kind for kind, (_, names) in KINDS.items() if op in names), "other")


def _end(steps: Sequence[Step]) -> float:
    return max(step.start_ms + step.duration_ms for step in steps)


def _steps(axes: Axes, name: str, steps: Sequence[Step], beside: float | None) -> None:
    """Draw one waterfall; `beside`: how long a container's start took, to the same scale."""
    end = _end(steps)
    known = {kind: colour for kind, (colour, _) in KINDS.items()} | MACHINE_COLOURS
    for row, step in enumerate(steps):
        axes.barh(row, max(step.duration_ms, end / 500), left=step.start_ms, height=0.7, color=known.get(step.kind, OTHER))
        if step.duration_ms > end / 60:
            write(axes, step.start_ms + step.duration_ms + end / 150, row, duration(step.duration_ms), size=SMALL)
    rows = [step.name if name == "labcore" else labels.phase(step.name) for step in steps]
    if beside is not None:
        rows.append(say("a container's whole start, to this scale"))
        axes.barh(len(steps), max(beside, end / 500), height=0.7, color=SHARED)
        write(axes, beside + end / 150, len(steps), duration(beside), size=SMALL, colour=SHARED)
    name_rows(axes, rows)
    axes.tick_params(axis="y", labelsize=SMALL, length=0)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.set_xlim(0, end * 1.15)
    axes.grid(axis="x", color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.set_xlabel(say("milliseconds"), size=SMALL)
    heading = f"{labels.subject(name)} — {duration(end)}"
    axes.set_title(heading, loc="left", size=NORMAL + 1, **emphasis(heading, NORMAL + 1))


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows of a plot, the first one on top."""
    axes.set_yticks(range(len(names)), names, size=NORMAL)
    axes.set_ylim(len(names) - 0.45, -0.6)
