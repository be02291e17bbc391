"""Spans: the parts of what is done for a job, with their times; where no job is current they cost nothing.

Drivers are named first: `storage: upper`, `network: attach`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from labcore.native import Process

    class Spans(Protocol):
        """What spans are noted in: a job."""

        spans: list[Span]
        is_traced: bool


class Span:
    """A part of a job's time, in ns since 1970; `end` is 0 while it lasts."""

    __slots__ = ("end", "name", "start")

    def __init__(self, name: str, start: int, end: int = 0) -> None:
        self.name = name
        self.start = start
        self.end = end


current_job: ContextVar[Spans | None] = ContextVar("job", default=None)


@contextmanager
def span(name: str) -> Iterator[None]:
    """Note how long the block takes, in the job that it is done for, if there is one."""
    job = current_job.get()
    if job is None:
        yield
        return
    with noted(job, name):
        yield


@contextmanager
def noted(job: Spans, name: str) -> Iterator[None]:
    """Note how long the block takes, in that job."""
    made = Span(name, time.time_ns())
    job.spans.append(made)
    try:
        yield
    finally:
        made.end = time.time_ns()


def note_ops(process: Process, begun: int) -> None:
    """Note when each op of a process's plan was done, in the job that it was started for, if somebody traces that.

    `begun` is when its launch was (ns since 1970): until its clone that makes its cgroup and its plan, and starts its monitor.
    """
    job = current_job.get()
    if job is None or not job.is_traced:
        return
    clone = process.cloned + time.time_ns() - time.monotonic_ns()
    job.spans.append(Span("runtime: cgroup, plan and monitor", begun, clone))
    for moment in process.timeline:
        start = clone + int(moment.start_us * 1e3)
        name = f"op {moment.index}: {moment.name} {moment.detail}".rstrip()
        job.spans.append(Span(name, start, start + max(0, int(moment.duration_us * 1e3))))
