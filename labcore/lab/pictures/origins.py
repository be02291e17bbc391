"""Origins picture: a Dockerfile, the image that was built from it with a strip for each layer, and the image's containers."""

import shlex
from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes

from labcore.builder.parser.instructions import Dockerfile
from labcore.client import connect
from labcore.lab.dockerfiles.built import HasRoot, MadeLayer, image_of, layers_of
from labcore.lab.messages import say
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.layer_files import size
from labcore.lab.pictures.style import (
    INK,
    LINE,
    MONO_ADVANCE,
    MUTED,
    OWN,
    PANEL,
    SHARED,
    SHARED_TOO,
    SMALL,
    TITLE,
    WIDTH,
    Picture,
    box,
    canvas,
    listed,
    sentences,
    shorten,
    write,
)
from labcore.record import Record

FILE, IMAGE, CONTAINER = (0.25, 2.75), (4.0, 2.1), (7.15, 1.6)  # left edge and width of each column, inches
TOP, LINE_HEIGHT, STRIP, ROOM = 1.0, 0.2, 0.32, 0.62  # inches: the columns' top; a line, a layer, a container
MOST_LINES, MOST_CONTAINERS, MOST_LAYERS = 14, 5, 9
DIGITS: Final = 12


class Strip(Record):
    """A layer of the image: the instruction that made it, its bytes, and whether it is the base image's."""

    name: str
    size: int
    is_base: bool


class Origins(Record):
    """What is drawn: the file's lines, the image's name, ID, layers (the lowest first), program; containers, their states."""

    lines: tuple[str, ...]
    image: str
    id: str
    layers: tuple[Strip, ...]
    program: str
    containers: tuple[tuple[str, str], ...]


def origins(daemon: HasRoot, image: str, dockerfile: Dockerfile) -> Picture:
    """Draw a Dockerfile, an image of a daemon's, and its containers. Raises ImageNotFound, InvalidInput."""
    made = layers_of(daemon, image, dockerfile)
    base = min(made)
    strips = [_strip(dockerfile, number, each, number == base) for number, layers in sorted(made.items()) for each in layers]
    found_image = image_of(daemon, image)
    program = shlex.join([*found_image.config.entrypoint, *found_image.config.command])
    with connect(daemon.url) as client:
        found = client.containers.list(all=True, filters={"ancestor": [image]})
    containers = tuple(sorted((each.name, each.state) for each in found))
    return draw(Origins(dockerfile.lines, image, found_image.id, tuple(strips), program, containers))


def _strip(dockerfile: Dockerfile, number: int, layer: MadeLayer, is_base: bool) -> Strip:
    return Strip(dockerfile.instructions[number].name, layer.size, is_base)


@house_style()
def draw(found: Origins) -> Picture:
    """Draw the three of them, from the left to the right."""
    lines, layers, containers = found.lines[:MOST_LINES], found.layers[-MOST_LAYERS:], found.containers[:MOST_CONTAINERS]
    height = max(LINE_HEIGHT * len(lines), STRIP * (len(layers) + 1), ROOM * max(1, len(containers)), 1.4) + 0.3
    middle = TOP + height / 2
    drawn, axes = canvas(TOP + height + 0.55)
    write(axes, 0.2, 0.28, say("Dockerfile, image, containers"), size=TITLE, bold=True)
    _head(axes, FILE, "Dockerfile", say("a text: {count} lines", count=len(found.lines)))
    _file(axes, lines, height)
    _head(axes, IMAGE, say("image {name}", name=shorten(found.image, 16)), found.id[7 : 7 + DIGITS])
    _image(axes, found, layers, height)
    _head(axes, CONTAINER, say("containers"), str(len(found.containers)))
    _containers(axes, containers, height)
    _arrow(axes, FILE, IMAGE, middle, "docker build")
    _arrow(axes, IMAGE, CONTAINER, middle, "docker run")
    rule = say("blue: layers, read-only        orange: each container's own, the one that is written to")
    write(axes, WIDTH / 2, TOP + height + 0.28, rule, size=SMALL, colour=MUTED, side="center")
    return Picture(drawn, _alt(found))


def _alt(found: Origins) -> str:
    made = say(
        "A Dockerfile of {lines} lines; from it image {image} with {layers} layers: {names}.",
        lines=len(found.lines),
        image=f"{found.image} ({found.id[7 : 7 + DIGITS]})",
        layers=len(found.layers),
        names=listed(f"{each.name} {size(each.size)}" for each in found.layers),
    )
    started = say("Its containers: {names}.", names=listed(f"{name} ({state})" for name, state in found.containers))
    return sentences([made, started if found.containers else say("It has no containers.")])


def _head(axes: Axes, column: tuple[float, float], text: str, more: str = "") -> None:
    left, width = column
    write(axes, left + width / 2, TOP - 0.36, text, bold=True, side="center")
    write(axes, left + width / 2, TOP - 0.16, more, size=SMALL, colour=MUTED, side="center")


def _file(axes: Axes, lines: Sequence[str], height: float) -> None:
    left, width = FILE
    box(axes, left, TOP, width, height, face="white", edge=LINE, linewidth=1.0)
    letters = int((width - 0.2) * 72 / (SMALL * MONO_ADVANCE))
    for place, line in enumerate(lines):
        y = TOP + 0.15 + LINE_HEIGHT * (place + 0.5)
        colour = MUTED if line.lstrip().startswith("#") else INK
        write(axes, left + 0.1, y, shorten(line, letters), size=SMALL, mono=True, colour=colour)


def _image(axes: Axes, found: Origins, layers: Sequence[Strip], height: float) -> None:
    left, width = IMAGE
    box(axes, left, TOP, width, height, face=PANEL, edge=LINE, linewidth=0.8)
    bottom = TOP + height - 0.12
    for place, each in enumerate(layers):
        y = bottom - STRIP * (place + 1)
        face = SHARED if each.is_base else SHARED_TOO
        box(axes, left + 0.12, y, width - 0.24, STRIP - 0.05, face=face, edge=face)
        text = f"{each.name}  {size(each.size)}"
        colour = "white" if each.is_base else INK
        write(axes, left + width / 2, y + STRIP / 2 - 0.02, text, size=SMALL, colour=colour, side="center")
    y = bottom - STRIP * (len(layers) + 1)
    box(axes, left + 0.12, y, width - 0.24, STRIP - 0.05, face="white", edge=SHARED, linewidth=1.0)
    text = say("config: {program}", program=shorten(found.program, 20))
    write(axes, left + width / 2, y + STRIP / 2 - 0.02, text, size=SMALL, side="center")


def _containers(axes: Axes, containers: Sequence[tuple[str, str]], height: float) -> None:
    left, width = CONTAINER
    first = TOP + (height - ROOM * len(containers)) / 2
    for place, (name, state) in enumerate(containers):
        y = first + ROOM * place
        box(axes, left, y + 0.04, width, ROOM - 0.1, face="white", edge=OWN, linewidth=1.4)
        write(axes, left + width / 2, y + 0.19, shorten(name, 18), size=SMALL, bold=True, side="center")
        write(axes, left + width / 2, y + 0.38, state, size=SMALL, colour=MUTED, side="center")


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], y: float, label: str) -> None:
    x0, x1 = sum(start) + 0.08, end[0] - 0.08
    axes.annotate("", (x1, y), (x0, y), arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.6})
    write(axes, (x0 + x1) / 2, y - 0.15, label, size=SMALL, mono=True, side="center")
