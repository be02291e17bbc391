"""Containers against virtual machines: start, where its time goes, memory, and what work inside costs; for slides, too."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from labcore.bench.comparison import WORK, Comparison, Series, Step
from labcore.errors import InvalidInput
from labcore.lab.pictures import comparison_words as words
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.style import (
    DPI,
    INK,
    LINE,
    MUTED,
    NORMAL,
    OWN,
    SHARED,
    SMALL,
    TITLE,
    WIDTH,
    Picture,
    emphasis,
    figure,
    is_wide,
    write,
)
from labcore.lab.pictures.waterfall import KINDS, OTHER
from labcore.lab.say import say

# A family's colour, and the shape that tells it apart without colour.
FAMILIES: Final = {"process": (MUTED, "D"), "container": (SHARED, "o"), "machine": (OWN, "s")}
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
DECADES: Final = {0.1: "0.1 ms", 1: "1 ms", 10: "10 ms", 100: "100 ms", 1e3: "1 s", 1e4: "10 s", 1e5: "100 s"}


@house_style()
def starts(found: Comparison) -> Picture:
    """Draw how long each start took: all samples as dots on a logarithmic axis, the median marked. Raises InvalidInput."""
    series = _present(found, "start")
    drawn, axes = figure(WIDTH, 0.38 * len(series) + 1.5)
    for row, each in enumerate(series):
        colour, shape = FAMILIES[words.family(each.subject)]
        spread = [row + 0.22 * ((number * 0.618) % 1 - 0.5) for number in range(len(each.samples))]  # dots beside one another
        axes.plot(each.samples, spread, shape, color=colour, ms=5, alpha=0.55, mew=0, zorder=3)
        axes.plot([each.median] * 2, [row - 0.32, row + 0.32], color=INK, lw=2, zorder=4)
        label = words.duration(each.median)
        write(axes, max(each.samples) * 1.25, row, label, size=NORMAL, bold=not is_wide(label))
    _rows(axes, [words.subject(each.subject) for each in series])
    axes.set_xscale("log")
    low, high = min(min(s.samples) for s in series), max(max(s.samples) for s in series)
    axes.set_xlim(low / 1.6, high * 5)
    ticks = [tick for tick in DECADES if low / 1.6 <= tick <= high * 5]
    axes.set_xticks(ticks, [DECADES[tick] for tick in ticks], size=SMALL)
    axes.minorticks_off()
    axes.set_xlabel(say("from the command to the first process's first word; one dot is one start, the line is the median"))
    _title(axes, say("How long a start takes"), found)
    _legend(axes, {words.family(each.subject) for each in series})
    return Picture(drawn)


@house_style()
def where_starts_go(found: Comparison) -> Picture:
    """Draw where the time of one start goes: of a container op by op, of virtual machines phase by phase."""
    machines = [name for name in ("microvm", "virt", "q35", "debian") if name in found.timelines]
    subjects = [*(["labcore"] if "labcore" in found.timelines else []), *machines[-2:]]
    if not subjects:
        raise InvalidInput(say("this comparison has no {what}: measure it first", what="timelines"))
    rows = {name: _grouped(found.timelines[name]) if name == "labcore" else list(found.timelines[name]) for name in subjects}
    drawn = Figure(figsize=(WIDTH, sum(0.23 * len(steps) + 0.85 for steps in rows.values())), dpi=DPI, layout="constrained")
    panels = drawn.subplots(len(subjects), squeeze=False, height_ratios=[len(steps) + 2.5 for steps in rows.values()])
    container = _end(found.timelines["labcore"]) if "labcore" in subjects else None
    for axes, name in zip(panels[:, 0], subjects, strict=True):
        _steps(axes, name, rows[name], None if name == "labcore" else container)
    return Picture(drawn)


@house_style()
def memory(found: Comparison) -> Picture:
    """Draw the memory of one that idles as bars. Raises InvalidInput."""
    series = _present(found, "memory")
    drawn, axes = figure(WIDTH, 0.34 * len(series) + 1.2)
    for row, each in enumerate(series):
        colour, _ = FAMILIES[words.family(each.subject)]
        hatch = "///" if words.family(each.subject) == "machine" else None  # apart in grey, too
        axes.barh(row, each.median, height=0.62, color=colour, hatch=hatch, ec="white", lw=0)
        write(axes, each.median, row, f"  {each.median:.3g} MiB", size=NORMAL, bold=True)
    _rows(axes, [words.subject(each.subject) for each in series])
    axes.set_xlim(0, max(each.median for each in series) * 1.18)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.set_xlabel(say("MiB of one that idles, with all that stands beside it; what is shared counts in parts (PSS)"))
    _title(axes, say("How much memory one takes"), found)
    return Picture(drawn)


@house_style()
def work(found: Comparison) -> Picture:
    """Draw what work costs inside, as a multiple of what it costs a process outside. Raises InvalidInput."""
    kinds = [kind for kind in WORK if found.get(kind, "process") and len(found.of(kind)) > 1]
    if not kinds:
        raise InvalidInput(say("this comparison has no {what}: measure it first", what="work"))
    drawn, axes = figure(WIDTH, 0.5 * len(kinds) + 1.5)
    axes.axvline(1, color=INK, lw=1)
    most = max(sample / _outside(found, kind) for kind in kinds for each in found.of(kind) for sample in each.samples)
    for row, kind in enumerate(kinds):
        inside = [each for each in found.of(kind) if each.subject != "process"]
        for place, each in enumerate(inside):
            _ratios(axes, row - 0.17 + 0.34 * place, each, _outside(found, kind), most * 1.3)
    _rows(axes, [words.work()[kind] for kind in kinds])
    axes.set_xscale("log")
    axes.set_xlim(0.75, most * 2.5)
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100) if tick <= most]
    axes.set_xticks(ticks, [f"{tick}×" for tick in ticks], size=SMALL)
    axes.minorticks_off()
    axes.set_xlabel(say("times as long as in a process of the host (1×)"))
    _title(axes, say("What work inside costs"), found)
    families = {words.family(each.subject) for kind in kinds for each in found.of(kind)} - {"process"}
    _legend(axes, families, bbox_to_anchor=(1, -0.05), ncols=2)  # below: above is the column of medians
    return Picture(drawn)


DRAWINGS: Final[dict[str, Callable[[Comparison], Picture]]] = {
    "start": starts,
    "waterfall": where_starts_go,
    "memory": memory,
    "work": work,
}


def draw_all(found: Comparison, directory: Path) -> Iterator[Path]:
    """Write all pictures that the comparison has figures for into a directory, as PNG; yield their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, draw in DRAWINGS.items():
        try:
            picture = draw(found)
        except InvalidInput:
            continue
        path = directory / f"{name}.png"
        path.write_bytes(picture._repr_png_())
        yield path


# --- parts


def _present(found: Comparison, topic: str) -> list[Series]:
    if not (series := found.of(topic)):
        raise InvalidInput(say("this comparison has no {what}: measure it first", what=topic))
    return series


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels, size=NORMAL)
    axes.set_ylim(len(labels) - 0.45, -0.6)


def _title(axes: Axes, heading: str, found: Comparison) -> None:
    axes.set_title(heading, loc="left", size=TITLE, **emphasis(heading, TITLE))
    axes.set_title(words.circumstances(found), loc="right", size=SMALL, color=MUTED)
    axes.xaxis.label.set(size=SMALL)


def _legend(axes: Axes, families: set[str], **where: Any) -> None:
    names = words.families()
    handles = [
        Line2D([], [], ls="", marker=shape, color=colour, ms=6, label=names[family])
        for family, (colour, shape) in FAMILIES.items()
        if family in families
    ]
    axes.legend(handles=handles, frameon=False, fontsize=SMALL, **({"loc": "upper right"} | where))


def _outside(found: Comparison, kind: str) -> float:
    process = found.get(kind, "process")
    assert process is not None
    return process.median


def _ratios(axes: Axes, y: float, each: Series, base: float, right: float) -> None:
    """Draw one subject's samples on one kind of work, and write their median in a column at `right`."""
    colour, shape = FAMILIES[words.family(each.subject)]
    ratios = [sample / base for sample in each.samples]
    middle = statistics.median(ratios)
    axes.plot([1, middle], [y, y], color=colour, lw=1.2, zorder=2)
    axes.plot(ratios, [y] * len(ratios), shape, color=colour, ms=4, alpha=0.4, mew=0, zorder=3)
    axes.plot([middle], [y], shape, color=colour, ms=8, zorder=4)
    text = f"{middle:.2f}×" if middle < 10 else f"{middle:.0f}×"
    write(axes, right, y, text, size=NORMAL, bold=True, colour=colour)


def _grouped(steps: Sequence[Step]) -> list[Step]:
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
            write(axes, step.start_ms + step.duration_ms + end / 150, row, words.duration(step.duration_ms), size=SMALL)
    labels = [step.name if name == "labcore" else words.phase(step.name) for step in steps]
    if beside is not None:
        labels.append(say("a container's whole start, to this scale"))
        axes.barh(len(steps), max(beside, end / 500), height=0.7, color=SHARED)
        write(axes, beside + end / 150, len(steps), words.duration(beside), size=SMALL, colour=SHARED)
    _rows(axes, labels)
    axes.tick_params(axis="y", labelsize=SMALL, length=0)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.set_xlim(0, end * 1.1)
    axes.grid(axis="x", color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.set_xlabel(say("milliseconds"), size=SMALL)
    heading = f"{words.subject(name)} — {words.duration(end)}"
    axes.set_title(heading, loc="left", size=NORMAL + 1, **emphasis(heading, NORMAL + 1))
