"""`labcore image ls --tree`: each image once, with all its names, its platform, its size and whether a container has it."""

from __future__ import annotations

import sys

from labcore.cli.formatting import printable, short_id, show_table, size
from labcore.errors import ImageNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from labcore.client import Client
    from labcore.client.images import ImageSummary

HEADS: Final = ("IMAGE", "ID", "DISK USAGE", "EXTRA")
UNTAGGED: Final = "<untagged>"
NONE: Final = "<none>:<none>"
IN_USE: Final = "U"


def show_tree(client: Client, images: Iterable[ImageSummary]) -> None:
    """Print them. Names but the last stand on lines of their own, as docker has it, and the platform below."""
    rows = [row for image in images for row in _rows(client, image)]
    sys.stdout.write(f"Info -> {IN_USE} In Use\n\n")
    show_table(HEADS, rows)


def _rows(client: Client, image: ImageSummary) -> Iterator[tuple[str, str, str, str]]:
    *others, last = sorted(printable(name) for name in image.tags if name != NONE) or [UNTAGGED]
    for name in others:
        yield name, "", "", ""
    yield last, short_id(image.id), size(image.size), IN_USE if image.containers > 0 else ""
    try:
        found = client.images.inspect(image.id)
    except ImageNotFound:  # it was removed meanwhile
        return
    platform = "/".join(filter(None, (found.os, found.architecture, found.variant)))
    yield f"└─ {printable(platform)}", "", "", ""
