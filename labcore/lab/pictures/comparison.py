"""Comparison plots: containers and virtual machines by start, memory, and work inside; for slides, too."""

import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from labcore.bench.comparison import WORK, Comparison, Series
from labcore.errors import InvalidInput
from labcore.lab.messages import labelled, say
from labcore.lab.pictures import comparison_labels as labels
from labcore.lab.pictures import comparison_words as words
from labcore.lab.pictures.comparison_waterfall import name_rows, where_starts_go
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.style import (
    INK,
    MUTED,
    NORMAL,
    OWN,
    SHARED,
    SMALL,
    TITLE,
    WIDTH,
    Picture,
    duration,
    emphasis,
    figure,
    is_wide,
    sentences,
    write,
)

# A family's colour, and the shape that tells it apart without colour.
FAMILIES: Final = {"process": (MUTED, "D"), "container": (SHARED, "o"), "machine": (OWN, "s")}
DECADES: Final = {0.1: "0.1 ms", 1: "1 ms", 10: "10 ms", 100: "100 ms", 1e3: "1 s", 1e4: "10 s", 1e5: "100 s"}


@house_style()
def starts(found: Comparison) -> Picture:
    """Draw how long each start took: all samples as dots on a logarithmic axis, the median marked. Raises InvalidInput."""
    series = _present(found, "start")
    drawn, axes = figure(WIDTH, 0.38 * len(series) + 1.7)
    for row, each in enumerate(series):
        colour, shape = FAMILIES[labels.family(each.subject)]
        spread = [row + 0.22 * ((number * 0.618) % 1 - 0.5) for number in range(len(each.samples))]  # dots beside one another
        axes.plot(each.samples, spread, shape, color=colour, ms=5, alpha=0.55, mew=0, zorder=3)
        axes.plot([each.median] * 2, [row - 0.32, row + 0.32], color=INK, lw=2, zorder=4)
        label = duration(each.median)
        write(axes, max(each.samples) * 1.25, row, label, size=NORMAL, bold=not is_wide(label))
    name_rows(axes, [labels.subject(each.subject) for each in series])
    axes.set_xscale("log")
    low, high = min(min(s.samples) for s in series), max(max(s.samples) for s in series)
    axes.set_xlim(low / 1.6, high * 5)
    ticks = [tick for tick in DECADES if low / 1.6 <= tick <= high * 5]
    axes.set_xticks(ticks, [DECADES[tick] for tick in ticks], size=SMALL)
    axes.minorticks_off()
    axes.set_xlabel(say("from the command to the first process's first word; one dot is one start, the line is the median"))
    _title(axes, say("How long a start takes"), found)
    _legend(drawn, {labels.family(each.subject) for each in series})
    return Picture(drawn, words.alt(series, duration), words.caption(words.starts(series), words.subjects(series)))


@house_style()
def memory(found: Comparison) -> Picture:
    """Draw the memory of one that idles as bars. Raises InvalidInput."""
    series = _present(found, "memory")
    drawn, axes = figure(WIDTH, 0.34 * len(series) + 1.2)
    for row, each in enumerate(series):
        colour, _ = FAMILIES[labels.family(each.subject)]
        hatch = "///" if labels.family(each.subject) == "machine" else None  # apart in grey, too
        axes.barh(row, each.median, height=0.62, color=colour, hatch=hatch, ec="white", lw=0)
        write(axes, each.median, row, f"  {each.median:.3g} MiB", size=NORMAL, bold=True)
    name_rows(axes, [labels.subject(each.subject) for each in series])
    axes.set_xlim(0, max(each.median for each in series) * 1.18)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.set_xlabel(say("MiB of one that idles, with all that stands beside it; what is shared counts in parts (PSS)"))
    _title(axes, say("How much memory one takes"), found)
    alt = words.alt(series, lambda value: f"{value:.3g} MiB")
    return Picture(drawn, alt, words.caption(words.memory(found), words.subjects(series)))


@house_style()
def work(found: Comparison) -> Picture:
    """Draw what work costs inside, as a multiple of what it costs a process outside. Raises InvalidInput."""
    kinds = [kind for kind in WORK if found.get(kind, "process") and len(found.of(kind)) > 1]
    if not kinds:
        raise InvalidInput(say("this comparison has no {what}: measure it first", what="work"))
    drawn, axes = figure(WIDTH, 0.5 * len(kinds) + 1.7)
    axes.axvline(1, color=INK, lw=1)
    ratios = [sample / _outside(found, kind) for kind in kinds for each in found.of(kind) for sample in each.samples]
    least, most = min(ratios), max(ratios)
    for row, kind in enumerate(kinds):
        inside = [each for each in found.of(kind) if each.subject != "process"]
        for place, each in enumerate(inside):
            _ratios(axes, row + 0.34 * (place - (len(inside) - 1) / 2), each, _outside(found, kind), most * 1.3)
    name_rows(axes, [labels.work()[kind] for kind in kinds])
    axes.set_xscale("log")
    axes.set_xlim(min(0.75, least / 1.2), most * 2.5)
    ticks = [tick for tick in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if least / 1.2 <= tick <= most]
    axes.set_xticks(ticks, [f"{tick}×" for tick in ticks], size=SMALL)
    axes.minorticks_off()
    axes.set_xlabel(say("times as long as in a process of the host (1×)"))
    _title(axes, say("What work inside costs"), found)
    families = {labels.family(each.subject) for kind in kinds for each in found.of(kind)} - {"process"}
    _legend(drawn, families)
    alt = sentences(labelled(labels.work()[kind], words.alt(found.of(kind), "{:,.0f} ns".format)) for kind in kinds)
    explained = [(labels.work()[kind], labels.work_explained()[kind]) for kind in kinds]
    return Picture(drawn, alt, words.caption(words.work(found, kinds), explained))


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


def _title(axes: Axes, heading: str, found: Comparison) -> None:
    axes.set_title(heading, loc="left", size=TITLE, **emphasis(heading, TITLE))
    axes.set_title(labels.circumstances(found), loc="right", size=SMALL, color=MUTED)
    axes.xaxis.label.set(size=SMALL)


def _legend(drawn: Figure, families: set[str]) -> None:
    """Name the families below the plot: inside of it, a dot or a label may lie anywhere."""
    names = labels.families()
    handles = [
        Line2D([], [], ls="", marker=shape, color=colour, ms=6, label=names[family])
        for family, (colour, shape) in FAMILIES.items()
        if family in families
    ]
    drawn.legend(handles=handles, frameon=False, fontsize=SMALL, loc="outside lower right", ncols=len(handles))


def _outside(found: Comparison, kind: str) -> float:
    process = found.get(kind, "process")
    assert process is not None
    return process.median


def _ratios(axes: Axes, y: float, each: Series, base: float, right: float) -> None:
    """Draw one subject's samples on one kind of work, and write their median in a column at `right`."""
    colour, shape = FAMILIES[labels.family(each.subject)]
    ratios = [sample / base for sample in each.samples]
    middle = statistics.median(ratios)
    axes.plot([1, middle], [y, y], color=colour, lw=1.2, zorder=2)
    axes.plot(ratios, [y] * len(ratios), shape, color=colour, ms=4, alpha=0.4, mew=0, zorder=3)
    axes.plot([middle], [y], shape, color=colour, ms=8, zorder=4)
    text = f"{middle:.2f}×" if middle < 10 else f"{middle:.0f}×"
    write(axes, right, y, text, size=NORMAL, bold=True, colour=colour)
