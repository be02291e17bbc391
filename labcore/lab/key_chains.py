"""Key chains: the cache keys of several builds side by side, step by step, and which of them the first build has made."""

import html
from collections.abc import Callable, Sequence
from typing import Any

from labcore.lab.colours import BAD, GOOD
from labcore.lab.messages import say
from labcore.record import Record

DIGITS = 8
Pair = tuple[str, Any]


class Chains(Record):
    """Builds by name, each a list of a step and its key. Shown as a table: ✓ what the first build has, ✗ what is made anew."""

    builds: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]

    def rows(self) -> list[list[str]]:
        """Return the table: a line for each step, of its text and, for each build, a mark and the key's last digits."""
        first = self.builds[0][1]
        known = {key for _, key in first}
        rows = []
        for at, (text, _) in enumerate(first):
            keys = [steps[at][1] for _, steps in self.builds]
            rows.append([text, *(f"{'✓' if key in known else '✗'} {key[-DIGITS:]}" for key in keys)])
        return rows

    def heads(self) -> list[str]:
        """Return what stands above the columns."""
        return [say("step"), *(name for name, _ in self.builds)]

    def __repr__(self) -> str:
        width = max(len(row[0]) for row in self.rows()) + 2
        lines = [[self.heads()[0], *self.heads()[1:]], *self.rows()]
        return "\n".join(line[0].ljust(width) + "".join(cell.ljust(DIGITS + 5) for cell in line[1:]).rstrip() for line in lines)

    def _repr_html_(self) -> str:
        cell = "text-align:left;padding:1px 18px 1px 0;background:none"
        head = "".join(f"<th style='{cell}'>{html.escape(each)}</th>" for each in self.heads())
        body = "".join(f"<tr style='background:none'>{''.join(self._cells(row, cell))}</tr>" for row in self.rows())
        return f"<table style='border-collapse:collapse'><tr>{head}</tr>{body}</table>"

    def _cells(self, row: Sequence[str], cell: str) -> list[str]:
        text, *keys = row
        return [
            f"<td style='{cell}'><code>{html.escape(text)}</code></td>",
            *(f"<td style='{cell};color:{GOOD if key[0] == '✓' else BAD}'><code>{key}</code></td>" for key in keys),
        ]


def chains(cache_key: Callable[[str, Pair, str], str], **builds: tuple[Sequence[Pair], str]) -> Chains:
    """Return the chains of builds, each of its instructions and of the digest of what its COPY reads."""
    return Chains(tuple((name, _chain(cache_key, *build)) for name, build in builds.items()))


def _chain(
    cache_key: Callable[[str, Pair, str], str], instructions: Sequence[Pair], content: str
) -> tuple[tuple[str, str], ...]:  # fmt: skip
    found, key = [], ""
    for name, value in instructions:
        key = cache_key(key, (name, value), content if name == "COPY" else "")
        found.append((f"{name} {value}", str(key)))
    return tuple(found)
