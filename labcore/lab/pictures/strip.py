"""Lesson strip: the ten lessons as a line of stations, and the current one."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.patches import Circle

from labcore.errors import InvalidInput
from labcore.lab.messages import say
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.style import (
    HERE,
    INK,
    LINE,
    MUTED,
    NORMAL,
    SMALL,
    WIDTH,
    Picture,
    canvas,
    listed,
    sentences,
    write,
)

HEIGHT, LINE_AT, LABEL_AT, RADIUS = 0.8, 0.3, 0.62, 0.15  # inches
TINT: Final = "#b3d4ea"  # of HERE: a stage that is done


@house_style()
def strip(stage: int, done: Iterable[int] = ()) -> Picture:
    """Draw the ten stages of the lessons in a line, `stage` (1 to 10) being where we are, `done` those that are done."""
    labels = _labels()
    behind = set(done)
    if odd := {stage, *behind} - set(range(1, len(labels) + 1)):
        raise InvalidInput(say("there are stages 1 to {last}, no {odd}", last=len(labels), odd=min(odd)))
    drawn, axes = canvas(HEIGHT)
    step = WIDTH / len(labels)
    axes.plot([step / 2, WIDTH - step / 2], [LINE_AT, LINE_AT], color=LINE, linewidth=1.5, zorder=1)
    for number, label in enumerate(labels, 1):
        _station(axes, (number - 0.5) * step, number, label, stage, behind)
    return Picture(drawn, _alt(labels, stage, sorted(behind)))


def _alt(labels: Sequence[str], stage: int, done: Sequence[int]) -> str:
    line = listed(f"{number} {label}" for number, label in enumerate(labels, 1))
    here = say("The ten lessons in a line: {line}. You are in lesson {stage}.", line=line, stage=stage)
    behind = say("Done: {done}.", done=listed(map(str, done))) if done else ""
    return sentences([here, behind])


def _station(axes: Axes, x: float, number: int, label: str, stage: int, done: Collection[int]) -> None:
    here = number == stage
    face, edge = (HERE, HERE) if here else (TINT, HERE) if number in done else ("white", LINE)
    axes.add_patch(Circle((x, LINE_AT), RADIUS * (1.2 if here else 1), fc=face, ec=edge, linewidth=1.4, zorder=2))
    ink = "white" if here else INK if number in done else MUTED
    write(axes, x, LINE_AT, str(number), size=NORMAL, colour=ink, bold=here, side="center")
    write(axes, x, LABEL_AT, label, size=SMALL, colour=MUTED if ink == MUTED else INK, bold=here, side="center")


def _labels() -> tuple[str, ...]:
    return (
        say("run"),
        say("limits"),
        say("images"),
        say("install"),
        say("daemon"),
        say("pull"),
        say("exec & net"),
        say("parse"),
        say("instructions"),
        say("build"),
    )
