"""Human-readable sizes and ages, tables, and text made safe for a terminal."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, TextIO

UNITS: Final = ("B", "kB", "MB", "GB", "TB")
# A time is said in the first of these that it has at least two of, but a minute and an hour are said too.
TIMES: Final = (
    ("year", 365 * 86400),
    ("month", 30 * 86400),
    ("week", 7 * 86400),
    ("day", 86400),
    ("hour", 3600),
    ("minute", 60),
)


def size(count: int) -> str:
    """Write bytes as docker does, in powers of a thousand: `1.05 MB`."""
    number, unit = float(count), 0
    while number >= 999.5 and unit < len(UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{count} B" if not unit else f"{number:.3g} {UNITS[unit]}"


def ago(created: str, now: datetime | None = None) -> str:
    """Write how long ago a time of RFC 3339 was: `3 weeks ago`; nothing for what is no time."""
    try:
        then = datetime.fromisoformat(created)
    except ValueError:
        return ""
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    for name, length in TIMES:
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {name}s ago"
    return "a minute ago" if seconds >= 60 else "seconds ago" if seconds >= -1 else "in the future"


def show_table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = (), elastic: str = "") -> None:
    """Print a table; the columns called `right` have numbers.

    Where it is wider than the terminal, the column called `elastic` gets what room is left, but no less than its head. Lines
    that need more wrap, as docker's do.
    """
    widths = [max(len(line[place]) for line in (heads, *rows)) for place in range(len(heads))]
    if elastic and sys.stdout.isatty():
        place = heads.index(elastic)
        excess = sum(widths) + 2 * (len(widths) - 1) - width_of(sys.stdout, 80)
        widths[place] = max(widths[place] - max(excess, 0), len(elastic))
        rows = [_cut(row, place, widths[place]) for row in rows]
    for line in (heads, *rows):
        cells = [
            cell.rjust(width) if head in right else cell.ljust(width)
            for head, cell, width in zip(heads, line, widths, strict=True)
        ]
        print("  ".join(cells).rstrip())


def _cut(row: Sequence[str], place: int, width: int) -> list[str]:
    """Return a row whose cell at `place` is at most so wide."""
    cell = row[place]
    return [*row[:place], cell if len(cell) <= width else f"{cell[: width - 1]}…", *row[place + 1 :]]


def printable(text: str) -> str:
    """Return a text of a stranger's on one line, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def width_of(stream: TextIO, otherwise: int) -> int:
    """Return how many columns the terminal has that a stream leads to; `otherwise`, if it is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or otherwise
    except (OSError, ValueError):
        return otherwise
