"""Spans: the parts of what is done for a job, with their times; where no job is current they cost nothing.

Drivers are named first: `storage: upper`, `network: attach`.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from contextvars import ContextVar, copy_context
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Final, Protocol, Self

    from labcore.native import Process

    class Spans(Protocol):
        """What spans are noted in: a job."""

        spans: list[Span]
        is_traced: bool


class Span:
    """A part of a job's time, in ns since 1970; `end` is 0 while it lasts. `worker` is 0 in the job's own thread.

    `calls`: the system calls that an op made, 0 for what is none. Spans of one thread lie within one another. One ends with
    the block that it is the context manager of.
    """

    __slots__ = ("calls", "end", "name", "start", "worker")

    def __init__(self, name: str, start: int, end: int = 0, calls: int = 0) -> None:
        self.name = name
        self.calls = calls
        self.worker = _worker.get()
        self.start = start
        self.end = end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end = time.time_ns()


current_job: ContextVar[Spans | None] = ContextVar("job", default=None)
NO_SPAN: Final = nullcontext()
_worker: ContextVar[int] = ContextVar("worker", default=0)


def span(name: str) -> AbstractContextManager[object]:
    """Note how long the block takes, in the job that it is done for, if there is one."""
    job = current_job.get()
    return NO_SPAN if job is None else noted(job, name)


def noted(job: Spans, name: str) -> Span:
    """Note how long the block takes, in that job."""
    job.spans.append(made := Span(name, time.time_ns()))
    return made


def of_worker(number: int, work: Callable[[], None]) -> Callable[[], None]:
    """Return work for a further thread, the job's worker of that number (from 1 on): its spans are the current job's, too."""
    context = copy_context()
    context.run(_worker.set, number)
    return partial(context.run, work)


def note_ops(process: Process, begun: int, *, before: str = "runtime: cgroup, plan and monitor") -> None:
    """Note when each op of a process's plan was done, in the job that it was started for, if somebody traces that.

    `begun` is when its launch was (ns since 1970); `before` says what is done from then to its clone.
    """
    job = current_job.get()
    if job is None or not job.is_traced:
        return
    clone = process.cloned + time.time_ns() - time.monotonic_ns()
    job.spans.append(Span(before, begun, clone))
    for moment in process.timeline:
        start = clone + int(moment.start_us * 1e3)
        name = f"op {moment.index}: {moment.name} {moment.detail}".rstrip()
        job.spans.append(Span(name, start, start + max(0, int(moment.duration_us * 1e3)), moment.calls))
