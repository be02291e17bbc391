"""Timers: what is to be done later, in the order of its time; one thread waits for the next."""

import heapq
import time
from collections.abc import Callable
from itertools import count
from threading import Lock


class Timer:
    """Something that is to be done, until it is cancelled."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work: Callable[[], object] | None = work

    def cancel(self) -> None:
        """Have it not done; too late does nothing."""
        self._work = None

    def fire(self) -> None:
        """Do it, once."""
        work, self._work = self._work, None
        if work:
            work()


class Timers:
    """Timers of one thread: it waits for `wait_seconds`, or until it is told by `ring` that there is a nearer one."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._lock = Lock()
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = count()

    def after(self, seconds: float, work: Callable[[], object]) -> Timer:
        """Have something done by that thread, which is not to be held up, after so long."""
        timer = Timer(work)
        with self._lock:
            entry = (time.monotonic() + seconds, next(self._numbers), timer)
            heapq.heappush(self._heap, entry)
            is_next = self._heap[0] is entry
        if is_next:
            self._ring()
        return timer

    def wait_seconds(self) -> float | None:
        """Return how long it is to the next one; None if there is none."""
        with self._lock:
            return max(0.0, self._heap[0][0] - time.monotonic()) if self._heap else None

    def fire_due(self) -> None:
        """Do what is due."""
        while True:
            with self._lock:
                if not self._heap or self._heap[0][0] > time.monotonic():
                    return
                timer = heapq.heappop(self._heap)[2]
            timer.fire()
