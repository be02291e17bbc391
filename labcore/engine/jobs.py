"""Jobs: what is being done for whom, from a request to the end of its answer; the last ones that have ended are kept."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Final, Literal

from labcore.errors import NotFound

State = Literal["running", "done", "failed", "cancelled"]
KEPT: Final = 256  # jobs that have ended
_current: ContextVar["Job | None"] = ContextVar("job", default=None)


class Span:
    """A part of a job's time, in ns since 1970; `end` is 0 while it lasts."""

    __slots__ = ("end", "name", "start")

    def __init__(self, name: str) -> None:
        self.name = name
        self.start = time.time_ns()
        self.end = 0


class Job:
    """One thing that is done for somebody: of a `kind` (`POST /containers/create`), for a user's process (-1: not known)."""

    __slots__ = ("_cancel", "ended", "error", "id", "kind", "pid", "spans", "started", "state", "subject", "uid")

    def __init__(self, id: str, kind: str, subject: str, uid: int, pid: int, cancel: Callable[[], object]) -> None:
        self.id = id
        self.kind = kind
        self.subject = subject
        self.uid = uid
        self.pid = pid
        self.state: State = "running"
        self.error = ""
        self.started = time.time_ns()
        self.ended = 0
        self.spans: list[Span] = []
        self._cancel = cancel

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Note how long the block takes."""
        span = Span(name)
        self.spans.append(span)
        try:
            yield
        finally:
            span.end = time.time_ns()

    @contextmanager
    def current(self) -> Iterator[None]:
        """Have it be the job whose spans the block's work is noted in."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def cancel(self) -> None:
        """End it: whoever waits for its answer waits no longer."""
        if self.state == "running":
            self.state = "cancelled"
            self._cancel()


@contextmanager
def span(name: str) -> Iterator[None]:
    """Note how long the block takes, in the job that it is done for; for none it costs nothing."""
    job = _current.get()
    if job is None:
        yield
        return
    with job.span(name):
        yield


class Jobs:
    """The jobs of a daemon."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._running: dict[str, Job] = {}
        self._ended: deque[Job] = deque(maxlen=KEPT)
        self._lock = Lock()

    def begin(
        self, kind: str, subject: str = "", *, uid: int = -1, pid: int = 0, cancel: Callable[[], object] = lambda: None
    ) -> Job:
        """Return a new job, which runs until `end`; `cancel` has it end early."""
        job = Job(str(next(self._numbers)), kind, subject, uid, pid, cancel)
        with self._lock:
            self._running[job.id] = job
        return job

    def end(self, job: Job, error: str = "") -> None:
        """Note that a job has ended; a second time does nothing."""
        with self._lock:
            if self._running.pop(job.id, None) is None:
                return
            self._ended.append(job)
        job.ended = time.time_ns()
        job.error = error
        if job.state == "running":
            job.state = "failed" if error else "done"

    def all(self) -> list[Job]:
        """Return the jobs that have ended, the oldest first, and then those that run."""
        with self._lock:
            return [*self._ended, *self._running.values()]

    def find(self, id: str) -> Job:
        """Return a job. Raises NotFound."""
        for job in self.all():
            if job.id == id:
                return job
        raise NotFound(f"no such job: {id:.40}: `labcore jobs` lists them")

    def is_busy_since(self, moment: float) -> bool:
        """Return whether a job has run at or after a moment of the monotonic clock."""
        since = time.time_ns() - int((time.monotonic() - moment) * 10**9)
        return any(job.state == "running" or job.ended >= since for job in self.all())
