"""Timeline entry: when an op of a start began, and how long it took."""

from __future__ import annotations

from labcore.record import Record


class Moment(Record):
    """One op of a start: what it was, when it began (microseconds after clone was called) and how long it took.

    `calls`: how many system calls it made; one that was left out, as nobody needed its result, is none.
    """

    index: int
    name: str
    detail: str
    start_us: float
    duration_us: float
    calls: int = 1
