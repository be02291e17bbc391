"""Registry picture: repositories, tags, images, and the layers that images share."""

from collections import Counter
from typing import Final

from matplotlib.axes import Axes

from labcore.errors import InvalidInput
from labcore.lab.messages import say
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.style import (
    HERE,
    INK,
    LINE,
    MUTED,
    OWN,
    PANEL,
    SHARED,
    SMALL,
    TITLE,
    WIDTH,
    Picture,
    box,
    breadth,
    canvas,
    listed,
    sentences,
    shorten,
    write,
)
from labcore.lab.registries import HasContents, Repository, TaggedImage

TAGS, IMAGE, LAYERS = 0.35, 2.75, 4.35  # where each column begins, inches
TOP, HEAD, ROW, GAP = 0.75, 0.34, 0.36, 0.16  # of the first panel; heights of its head, of a row, between panels
LAYER, MOST_LAYERS, MOST_ROWS = 0.84, 5, 14
DIGITS: Final = 8  # of a digest


@house_style()
def repositories(registry: HasContents) -> Picture:
    """Draw what a registry holds: a panel for each repository, a line for each image. Raises InvalidInput for an empty one."""
    found = registry.contents()
    rows = sum(len(repository.images) for repository in found)
    if not 0 < rows <= MOST_ROWS:
        raise InvalidInput(say("from 1 to {most} images can be drawn, not {count}", most=MOST_ROWS, count=rows))
    uses = Counter(layer for repository in found for image in repository.images for layer in set(image.layers))
    bottom = TOP + sum(_height(repository) + GAP for repository in found)
    drawn, axes = canvas(bottom + 0.35)
    write(axes, 0.2, 0.28, say("registry {address}", address=registry.address), size=TITLE, bold=True)
    for x, word in ((TAGS, say("repository and tags")), (IMAGE, say("image")), (LAYERS, say("layers, the lowest first"))):
        write(axes, x, TOP - 0.14, word, size=SMALL, colour=MUTED)
    top = TOP
    for repository in found:
        _panel(axes, top, repository, uses)
        top += _height(repository) + GAP
    rule = say("full colour: a layer that several images here have        white: one of this image alone")
    write(axes, WIDTH / 2, bottom + 0.08, rule, size=SMALL, colour=MUTED, side="center")
    return Picture(drawn, sentences(_alt(repository, image) for repository in found for image in repository.images))


def _alt(repository: Repository, image: TaggedImage) -> str:
    return say(
        "{repository}: {tags} leads to image {image} with the layers {layers}.",
        repository=repository.name,
        tags=listed(image.tags) or say("no tag: by its digest only"),
        image=image.digest[7 : 7 + DIGITS],
        layers=listed(layer[7 : 7 + DIGITS] for layer in image.layers),
    )


def _height(repository: Repository) -> float:
    return HEAD + ROW * len(repository.images) + 0.06


def _panel(axes: Axes, top: float, repository: Repository, uses: Counter[str]) -> None:
    box(axes, 0.2, top, WIDTH - 0.4, _height(repository), face=PANEL, edge=LINE, linewidth=0.8, zorder=0)
    write(axes, TAGS, top + HEAD / 2, shorten(repository.name, 60), mono=True, bold=True)
    for index, image in enumerate(repository.images):
        _image(axes, top + HEAD + ROW * (index + 0.5), image, uses)


def _image(axes: Axes, y: float, image: TaggedImage, uses: Counter[str]) -> None:
    x = TAGS + 0.1
    for tag in image.tags[:3]:
        text = shorten(tag, 10)
        width = breadth(text, SMALL) + 0.16
        box(axes, x, y - 0.12, width, 0.24, face="white", edge=HERE, linewidth=1.2)
        write(axes, x + width / 2, y, text, size=SMALL, mono=True, colour=HERE, side="center")
        x += width + 0.08
    if image.tags:
        axes.annotate("", (IMAGE - 0.06, y), (x, y), arrowprops={"arrowstyle": "->", "color": HERE, "linewidth": 1.2})
    else:
        write(axes, x, y, say("no tag: by its digest only"), size=SMALL, colour=MUTED)
    write(axes, IMAGE, y, f"{image.digest[7 : 7 + DIGITS + 4]}…", size=SMALL, mono=True, colour=INK)
    for number, layer in enumerate(image.layers[:MOST_LAYERS]):
        _layer(axes, LAYERS + number * LAYER, y, layer, shared=uses[layer] > 1)
    if (more := len(image.layers) - MOST_LAYERS) > 0:
        write(axes, WIDTH - 0.3, y, f"+ {more}", size=SMALL, colour=MUTED, side="right")


def _layer(axes: Axes, x: float, y: float, layer: str, *, shared: bool) -> None:
    face, edge, ink = (SHARED, SHARED, "white") if shared else ("white", OWN, INK)
    box(axes, x, y - 0.13, LAYER - 0.06, 0.26, face=face, edge=edge, linewidth=1.2)
    write(axes, x + (LAYER - 0.06) / 2, y, layer[7 : 7 + DIGITS], size=SMALL, mono=True, colour=ink, side="center")
