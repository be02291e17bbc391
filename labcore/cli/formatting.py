"""Human-readable sizes, ages and times, tables, and text made safe for a terminal: all as docker writes them."""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, TextIO

UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")
BINARY_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
COLUMN_MIN, COLUMN_GAP = 10, 3  # of a table, in characters
SHORT_ID: Final = 12  # digits
MINUTE, HOUR, DAY = 60, 3600, 86400


def size(count: float, *, digits: int = 3) -> str:
    """Write bytes in powers of a thousand, with so many digits: `1.05MB`."""
    return _scaled(count, 1000, UNITS, digits)


def binary_size(count: float) -> str:
    """Write bytes in powers of 1024: `23.54GiB`."""
    return _scaled(count, 1024, BINARY_UNITS, 4)


def _scaled(count: float, base: int, units: Sequence[str], digits: int) -> str:
    number, unit = float(count), 0
    most = base if base == 1024 else base - 0.5 * 10 ** (3 - digits)  # 999.6 of three digits is 1000
    while number >= most and unit < len(units) - 1:
        number, unit = number / base, unit + 1
    return f"{number:.{digits}g}{units[unit]}" if unit else f"{count:.0f}{units[0]}"


def ago(then: float) -> str:
    """Write how long ago a moment was, in seconds since 1970: `3 weeks ago`."""
    return f"{duration(time.time() - then)} ago"


def duration(seconds: float) -> str:
    """Write a duration for people, as go-units does: `About an hour`."""
    whole, hours = int(seconds), int(seconds / HOUR + 0.5)
    if whole < 2:
        return "1 second" if whole == 1 else "Less than a second"
    if whole < MINUTE:
        return f"{whole} seconds"
    if whole < HOUR:
        return f"{whole // MINUTE} minutes" if whole >= 2 * MINUTE else "About a minute"
    if hours == 1:
        return "About an hour"
    for name, length, until in (
        ("hours", 1, 48),
        ("days", 24, 24 * 14),
        ("weeks", 24 * 7, 24 * 60),
        ("months", 24 * 30, 24 * 730),
    ):
        if hours < until:
            return f"{hours // length} {name}"
    return f"{whole // DAY // 365} years"


def local_time(then: int) -> str:
    """Write seconds since 1970 as Go prints a time: `2026-11-30 01:35:57 +0000 UTC`."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(then))


def local_moment(text: str) -> str:
    """Write a time of RFC 3339 as Go prints it, with the fraction of its second."""
    fraction = text[19:].partition("Z")[0].partition("+")[0].rstrip("0").rstrip(".")
    shown = local_time(int(moment_of(text)))
    return f"{shown[:19]}{fraction}{shown[19:]}"


def natural_order(name: str) -> list[tuple[int, str]]:
    """Return what a name is sorted by: numbers in it as numbers, so that `web9` stands before `web10`."""
    parts, digits = [""], False
    for letter in name:
        if letter.isdecimal() is not digits:
            parts.append("")
            digits = not digits
        parts[-1] += letter
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def moment_of(text: str) -> float:
    """Return a time of RFC 3339 in seconds since 1970; 0 for what is none."""
    from datetime import UTC, datetime  # 2 ms, which a list of containers does without

    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()


def short_id(identity: str) -> str:
    """Return an ID's first digits, without the name of its algorithm."""
    return identity.partition(":")[2][:SHORT_ID] if ":" in identity else identity[:SHORT_ID]


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters; `…` stands for what is left out."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def show_table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, elastic: str = "") -> None:
    """Print a table, as `table` has it."""
    sys.stdout.write(table(heads, rows, elastic=elastic))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, elastic: str = "") -> str:
    """Return a table.

    Where it is wider than the terminal, the column called `elastic` gets what room is left, but no less than its head. Lines
    that need more wrap, as docker's do.
    """
    lines: list[Sequence[str]] = [heads, *rows]
    if elastic in heads and sys.stdout.isatty():
        place, last = heads.index(elastic), len(heads) - 1
        widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
        padded = [width if column == last else max(width + COLUMN_GAP, COLUMN_MIN) for column, width in enumerate(widths)]
        room = width_of(sys.stdout, 80) - sum(padded) + widths[place]
        lines = [[*line[:place], shortened(line[place], max(room, len(elastic))), *line[place + 1 :]] for line in lines]
    return "".join(f"{line}\n" for line in aligned(lines))


def aligned(lines: Sequence[Sequence[str]], *, least: int = COLUMN_MIN) -> list[str]:
    """Return lines of cells as text, as Go's text/tabwriter aligns them: cells of neighbouring lines make a column.

    The last cell of a line belongs to none. `least`: how wide a column is at least.
    """
    widths: list[list[int]] = [[] for _ in lines]
    blocks = [(0, len(lines), 0)]  # neighbouring lines, and the column that is measured next
    while blocks:
        line, end, column = blocks.pop()
        while line < end:
            first = line
            while line < end and column < len(lines[line]) - 1:
                line += 1
            if first == line:
                line += 1
                continue
            width = max(max(len(each[column]) for each in lines[first:line]) + COLUMN_GAP, least)
            for each in widths[first:line]:
                each.append(width)
            blocks.append((first, line, column + 1))
    return ["".join(map(str.ljust, line, wide)) + line[-1] for line, wide in zip(lines, widths, strict=True)]


def printable(text: str) -> str:
    """Return a text of a stranger's on one line, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def width_of(stream: TextIO, otherwise: int) -> int:
    """Return how many columns the terminal has that a stream leads to; `otherwise`, if it is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or otherwise
    except (OSError, ValueError):
        return otherwise
