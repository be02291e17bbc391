"""The name that somebody may have meant: at most two letters away (Levenshtein's distance)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

FARTHEST: Final = 2
LONGEST: Final = 64
MOST: Final = 200  # names of about one length: with more, the nearest is luck


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name that differs least; an empty one if none is near, or the name itself is known."""
    alike = [each for each in known if abs(len(each) - len(name)) <= FARTHEST and len(each) <= LONGEST]
    found = {each: distance(name, each) for each in alike} if len(alike) <= MOST else {}
    best = min(found, key=lambda each: found[each], default="")
    return best if found and 0 < found[best] <= FARTHEST else ""


def distance(one: str, other: str) -> int:
    """Return how many letters must be put in, taken out or exchanged to make one word of the other; more than 2 are 3."""
    before = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        row = [number]
        for at, each in enumerate(other):
            row.append(min(before[at] + (letter != each), before[at + 1] + 1, row[at] + 1))
        if min(row) > FARTHEST:
            return FARTHEST + 1
        before = row
    return min(before[-1], FARTHEST + 1)
