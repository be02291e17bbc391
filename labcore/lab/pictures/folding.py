"""Folding: where a picture has too little room for its rows, those that matter least are left out, and counted."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

Row = TypeVar("Row")


def folded(rows: Sequence[Row], most: int, weight: Callable[[Row], Any]) -> tuple[list[Row], list[int]]:
    """Return `most` rows at most, in their order: those of the greatest weight; and how many are left out before each.

    The last number, one more than there are rows, is of those after the last.
    """
    kept = sorted(sorted(range(len(rows)), key=lambda at: weight(rows[at]), reverse=True)[:most])
    return [rows[at] for at in kept], [right - left - 1 for left, right in pairwise((-1, *kept, len(rows)))]
