"""Span: a part of what was done, with its time and the parts that it consists of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from labcore.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Kind = Literal["command", "call", "job", "part", "op"]


class Span(Record):
    """A part of what was done, from `start` to `end` (ns since 1970). `lane`: a client's connection, or a daemon's thread.

    `answer`: the status that a call was answered with. `calls`: how many system calls an op made.
    """

    kind: Kind
    name: str
    start: int
    end: int
    lane: int = 0
    children: tuple[Span, ...] = ()
    error: str = ""
    answer: str = ""
    calls: int = 0

    @property
    def duration_ms(self) -> float:
        """How long it took, in milliseconds."""
        return (self.end - self.start) / 1e6


WORKERS_APART: Final = 1_000_000  # between the lanes of a job's threads


def lane(job: int, worker: int) -> int:
    """Return the lane of a job's thread: the job's own (0), or one of its workers'."""
    return job + worker * WORKERS_APART


def nested(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans of one thread as trees: each below the one in whose time it lies."""
    ordered = sorted(spans, key=lambda span: (span.start, -span.end))
    found: list[Span] = []
    while ordered:
        outer, *ordered = ordered
        inner = [each for each in ordered if each.start < outer.end or each.start == outer.start]
        ordered = ordered[len(inner) :]
        found.append(outer.replace(children=nested(each.replace(end=min(each.end, outer.end)) for each in inner)))
    return tuple(found)


def rows(span: Span, depth: int = 0) -> Iterator[tuple[int, Span]]:
    """Yield a span and all below it, each with its depth."""
    yield depth, span
    for each in span.children:
        yield from rows(each, depth + 1)
