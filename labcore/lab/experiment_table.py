"""Experiment: a Dockerfile's lines, each with what it has done to the config and the layer that it has made, as a table."""

import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from labcore.lab.colours import BAD, GOOD, MUTED, RULE
from labcore.lab.messages import say
from labcore.record import Record

MOST: Final = 6  # lines of one cell of the table
CELL: Final = "text-align:left;vertical-align:top;padding:1px 8px 1px 0;line-height:1.3"
CODE: Final = (
    "white-space:pre-wrap;overflow-wrap:anywhere;background:none;padding:0;font-size:12px"  # no formula between dollars
)
WIDTHS: Final = ("36%", "27%", "37%")


class Line(Record):
    """An instruction: its text, what it changed in the config, its layer's files, and what its program put out."""

    source: str
    changes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    is_cached: bool = False
    output: str = ""
    failure: str = ""

    def told(self) -> tuple[str, ...]:
        """Return what there is to say beside what it did: it was in the cache, its output, why it failed."""
        said = [line for line in self.output.splitlines() if line.strip()]
        cached = [say("(from the cache)")] if self.is_cached else []
        return (*cached, *shortened([f"│ {line}" for line in said]), *([f"✗ {self.failure}"] if self.failure else []))


class Experiment(Record):
    """An image that was built: its lines, its config as docker's JSON has it, and its layers' blobs, the lowest first.

    One that has failed has neither.
    """

    name: str
    lines: tuple[Line, ...]
    config: Mapping[str, Any] = MappingProxyType({})
    layers: tuple[Path, ...] = ()

    @property
    def made(self) -> int:
        """How many layers its lines have made: those of the base are not counted."""
        return len(self.layers) - self._of_base

    @property
    def _of_base(self) -> int:
        last = [number for number, line in enumerate(self.lines) if line.source.upper().startswith("FROM")][-1]
        return len(self.layers) - sum(bool(line.files) for line in self.lines[last + 1 :])

    def __repr__(self) -> str:
        return "\n".join(self._rows())

    def _rows(self) -> Iterator[str]:
        for line in self.lines:
            yield line.source
            yield from (f"    {word}" for word in (*shortened(line.changes), *shortened(line.files), *line.told()))

    def _repr_html_(self) -> str:
        heads = ("Dockerfile", say("what it changes in the config"), say("its layer"))
        head = "".join(
            f"<th style='text-align:left;width:{width}'>{html.escape(word)}</th>"
            for word, width in zip(heads, WIDTHS, strict=True)
        )
        rows = "".join(map(_row, self.lines))
        return f"<table style='font-size:12px;table-layout:fixed;width:100%'><tr>{head}</tr>{rows}</table>"


def shortened(lines: Sequence[str]) -> list[str]:
    """Return the lines, of more than `MOST` the first ones and how many there are besides."""
    if len(lines) <= MOST:
        return list(lines)
    return [*lines[: MOST - 1], say("… and {count} more", count=len(lines) - MOST + 1)]


def _row(line: Line) -> str:
    changes = _cell(shortened(line.changes))
    files = _cell([*shortened(line.files), *line.told()])
    edge = f"border-left:3px solid {_colour(line)};padding-left:8px"
    source = f"<td style='{CELL};{edge}'><code style='{CODE}'>{html.escape(line.source)}</code></td>"
    return f"<tr style='border-top:1px solid {RULE}'>{source}{changes}{files}</tr>"


def _colour(line: Line) -> str:
    return BAD if line.failure else GOOD if line.files else RULE


def _cell(lines: Sequence[str]) -> str:
    return f"<td style='{CELL}'>{'<br>'.join(map(_coloured, lines))}</td>"


def _coloured(line: str) -> str:
    colour = {"−": BAD, "✗": BAD, "│": MUTED, "(": MUTED, "（": MUTED}.get(line[:1], "inherit")
    return f"<code style='{CODE};color:{colour}'>{html.escape(line)}</code>"
