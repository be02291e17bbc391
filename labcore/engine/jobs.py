"""Jobs: what is being done for whom, from a request to the end of its answer; the last ones that have ended are kept."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Lock
from typing import Final, Literal, Self

from labcore.engine.spans import Span, current_job, noted
from labcore.errors import NotFound

State = Literal["running", "done", "failed", "cancelled"]
KEPT: Final = 256  # jobs that have ended


class Job:
    """One thing that is done for somebody: of a `kind` (`POST /containers/create`), for a user's process (-1: not known).

    One that `is_traced` has a span for each op of a start, too.
    """

    __slots__ = ("_cancel", "ended", "error", "id", "is_traced", "kind", "pid", "spans", "started", "state", "subject", "uid")

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
        self.is_traced = False
        self._cancel = cancel

    def span(self, name: str) -> Span:
        """Note how long the block takes."""
        return noted(self, name)

    def current(self) -> "CurrentJob":
        """Have it be the job whose spans the block's work is noted in."""
        return CurrentJob(self)

    def cancel(self) -> None:
        """End it: whoever waits for its answer waits no longer."""
        if self.state == "running":
            self.state = "cancelled"
            self._cancel()


class CurrentJob:
    """The job that a block's work is done for, as a context manager."""

    __slots__ = ("_job", "_token")

    def __init__(self, job: Job) -> None:
        self._job = job

    def __enter__(self) -> None:
        self._token = current_job.set(self._job)

    def __exit__(self, *_: object) -> None:
        current_job.reset(self._token)


class Trace:
    """The jobs of one process, each when it begins and again when it has ended; use it as a context manager."""

    def __init__(self, jobs: "Jobs", pid: int) -> None:
        self._jobs = jobs
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self.pid = pid

    def put(self, job: Job) -> None:
        """Give it a job, if that is the process's."""
        if job.pid == self.pid:
            job.is_traced = True
            self._queue.put(job)

    def __iter__(self) -> Iterator[Job]:
        while (job := self._queue.get()) is not None:
            yield job

    def close(self) -> None:
        """End it: whoever waits gets what has come, and no more. It may be called from any thread."""
        self._jobs.traces.discard(self)
        self._queue.put(None)

    def __enter__(self) -> Self:
        self._jobs.traces.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Jobs:
    """The jobs of a daemon, and the traces of them."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._running: dict[str, Job] = {}
        self._ended: deque[Job] = deque(maxlen=KEPT)
        self._lock = Lock()
        self.traces: set[Trace] = set()

    def begin(
        self, kind: str, subject: str = "", *, uid: int = -1, pid: int = 0, cancel: Callable[[], object] = lambda: None
    ) -> Job:
        """Return a new job, which runs until `end`; `cancel` has it end early."""
        job = Job(str(next(self._numbers)), kind, subject, uid, pid, cancel)
        with self._lock:
            self._running[job.id] = job
        self._tell(job)
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
        self._tell(job)

    def _tell(self, job: Job) -> None:
        for trace in tuple(self.traces):
            trace.put(job)

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
