"""Layers picture: layers as rows and files as columns; from above, the first box in a column is the file that is seen."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes

from labcore.errors import InvalidInput
from labcore.lab.messages import say
from labcore.lab.pictures import layer_files
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.layer_files import Entry
from labcore.lab.pictures.style import (
    INK,
    LINE,
    MONO_ADVANCE,
    MUTED,
    OWN,
    PANEL,
    SHARED,
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

MOST: Final = 8  # columns
LEFT, RIGHT, TOP, ROW, GAP = 1.85, 1.1, 1.02, 0.46, 0.26  # inches
BOX: Final = 0.32  # a box's height
WIDEST: Final = 1.3  # of a column
NAME: Final = 12  # digits of a layer's name
PALE: Final = {SHARED: "#cfe3f0", OWN: "#f7dcc8"}  # of a box that is covered


class Layer(Record):
    """A row: what is written beside it, whether it can be written to, and what it holds."""

    label: str
    name: str
    writable: bool
    entries: Mapping[str, Entry]

    @property
    def colour(self) -> str:
        """Of its boxes."""
        return OWN if self.writable else SHARED


@house_style()
def stack(layers: Sequence[str | Path], upper: str | Path | None = None, *, files: Sequence[str] | None = None) -> Picture:
    """Draw the layers of an overlay, the topmost first, and which of them each file is seen from.

    `layers` are the directories of an image's layers, `upper` that of a container's own. `files` are the paths to show (others
    are counted); without it, those of the smallest layers. What is seen is asked of the kernel.
    Raises InvalidInput, Unavailable.
    """
    if not layers:
        raise InvalidInput(say("no layers to draw: name their directories, the topmost first"))
    rows = [Layer(say("read-write layer"), "upper", True, layer_files.entries(Path(upper)))] if upper else []
    rows += [_image_layer(Path(path), len(layers) - index) for index, path in enumerate(layers)]
    visible = layer_files.seen([Path(path) for path in ((upper,) if upper else ()) + tuple(layers)])
    columns = [path.removeprefix("/") for path in files] if files is not None else _choose(rows)
    if not 0 < len(columns) <= MOST:
        raise InvalidInput(say("from 1 to {most} files can be drawn, not {count}", most=MOST, count=len(columns)))
    bottom = TOP + ROW + GAP + ROW * len(rows)
    drawn, axes = canvas(bottom + 0.5)
    write(axes, 0.2, 0.28, say("Layers, and what is seen of them from above"), size=TITLE, bold=True)
    _ground(axes, rows)
    for index, path in enumerate(columns):
        _column(axes, index, len(columns), path, rows, visible)
    _counts(axes, rows, columns)
    write(axes, WIDTH / 2, bottom + 0.3, _rule(rows), size=SMALL, colour=MUTED, side="center")
    return Picture(drawn, _alt(rows, columns, visible))


def _alt(rows: Sequence[Layer], columns: Sequence[str], visible: Collection[str]) -> str:
    """Return the rows as sentences, that of what is seen first."""
    shown = say("Seen from above: {files}.", files=listed(path for path in columns if path in visible) or "-")
    held = [(row, [f"{path} {_words(row.entries[path])}" for path in columns if path in row.entries]) for row in rows]
    below = (say("{layer} holds {files}.", layer=row.label, files=listed(files)) for row, files in held if files)
    return sentences([shown, *below])


def _words(entry: Entry) -> str:
    return {"deleted": say("✗ deleted"), "opaque": say("✗ all"), "file": f"({entry.inscription})"}[entry.kind]


def _image_layer(path: Path, number: int) -> Layer:
    return Layer(say("layer {n}", n=number), path.name[:NAME], False, layer_files.entries(path))


def _choose(rows: Sequence[Layer]) -> list[str]:
    """Return the paths to show: those of the smallest layers first."""
    chosen: list[str] = []
    for row in sorted(rows, key=lambda row: len(row.entries)):
        chosen += [path for path in sorted(row.entries) if path not in chosen]
    return sorted(chosen[:MOST])


def _rule(rows: Sequence[Layer]) -> str:
    text = say("full colour: what is seen        pale: covered by a layer above        ✗: deletes what lies below")
    return (
        text if any(entry.kind != "file" for row in rows for entry in row.entries.values()) else text.rpartition("        ")[0]
    )


def _top(index: int) -> float:
    """Return the upper edge of a layer's row."""
    return TOP + ROW + GAP + ROW * index


def _ground(axes: Axes, rows: Sequence[Layer]) -> None:
    """Draw what the boxes stand on: the line that is seen, and a panel for all layers that are the image's."""
    write(axes, 0.32, TOP + ROW / 2, say("what is seen"), bold=True)
    first = sum(row.writable for row in rows)
    box(axes, 0.2, _top(first), WIDTH - 0.4, ROW * (len(rows) - first), face=PANEL, edge=LINE, linewidth=0.8, zorder=0)
    write(axes, WIDTH - 0.3, _top(first) + 0.13, say("image, read-only"), size=SMALL, colour=MUTED, side="right")
    for index, row in enumerate(rows):
        middle = _top(index) + ROW / 2
        write(axes, 0.32, middle - 0.08, row.label, bold=row.writable, colour=row.colour)
        write(axes, 0.32, middle + 0.1, row.name if not row.writable else say("the container's own"), size=SMALL, colour=MUTED)


def _column(axes: Axes, index: int, count: int, path: str, rows: Sequence[Layer], visible: Collection[str]) -> None:
    width = min(WIDEST, (WIDTH - LEFT - RIGHT) / count)
    left, middle = LEFT + index * width, LEFT + (index + 0.5) * width
    letters = int(width * 72 / (SMALL * MONO_ADVANCE)) - 1
    write(axes, middle, TOP - 0.16, shorten(path, letters), size=SMALL, mono=True, side="center")
    holders = [number for number, row in enumerate(rows) if path in row.entries]
    source = next((n for n in holders if rows[n].entries[path].kind != "deleted"), None) if path in visible else None
    if source is not None:
        colour, entry = rows[source].colour, rows[source].entries[path]
        axes.vlines(middle, TOP + ROW / 2, _top(source) + ROW / 2, color=colour, linewidth=1.6, zorder=1)
        _box(
            axes, left, TOP, width, colour, _directory(path, visible) if entry.kind == "opaque" else entry, letters, white=True
        )
    for number in holders:
        entry = rows[number].entries[path]
        white = number == source and entry.kind == "file"
        _box(axes, left, _top(number), width, rows[number].colour, entry, letters, white=white)


def _directory(path: str, visible: Collection[str]) -> Entry:
    """Return what is seen of a directory that hides those below: how many files are in it."""
    count = sum(other.startswith(path) and not other.endswith("/") for other in visible)
    return Entry("file", say("{count} inside", count=count) if count else say("empty"))


def _box(axes: Axes, left: float, top: float, width: float, colour: str, entry: Entry, letters: int, *, white: bool) -> None:
    """Draw one file of one layer; `white` writing on full colour means that it is the one that is seen."""
    deletes = entry.kind != "file"
    face = "white" if deletes else colour if white else PALE[colour]
    style = "--" if deletes else "-"
    y = top + (ROW - BOX) / 2
    box(axes, left + 0.05, y, width - 0.1, BOX, face=face, edge=colour, linewidth=1.2, linestyle=style, zorder=2)
    words = _words(entry) if deletes else entry.inscription
    ink = "white" if white else colour if deletes else INK
    write(axes, left + width / 2, top + ROW / 2, shorten(words, letters), size=SMALL, colour=ink, side="center")


def _counts(axes: Axes, rows: Sequence[Layer], columns: Collection[str]) -> None:
    for index, row in enumerate(rows):
        if more := len(set(row.entries) - set(columns)):
            text = say("+ {count} more", count=more)
            write(axes, WIDTH - 0.3, _top(index) + ROW * 0.72, text, size=SMALL, colour=MUTED, side="right")
