"""Time limit of a check: its own seconds, without those in which it waited for a processor (run delay, schedstat)."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from labcore import procfs

MOST_WAITED_SECONDS: Final = 60.0  # that are given back: a step that loops on a busy machine ends some time, too
LOOK_SECONDS: Final = 0.05  # from one look to the next: what an ended process has waited since the last one is not known
CROWD: Final = 16  # processes: more than a check has


class Times(NamedTuple):
    """Nanoseconds that a thread has run and has waited for a processor; and since when it is ready and neither has changed."""

    ran: int
    waited: int
    since: float


class RunDelay:
    """How long threads were ready to run and had no processor, together: `seconds`, as of the last look.

    The kernel counts a wait when it is over; one that goes on is told by a thread that is ready and whose numbers stand still.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._over = 0
        self._seen: dict[int, Times] = {}

    def look(self, pids: Iterable[int]) -> None:
        """Look at all threads of these processes; what those have waited that are gone stays counted."""
        now = time.monotonic()
        seen = {}
        for thread, state, ran, waited in (each for pid in pids for each in _threads(pid)):
            before = self._seen.get(thread, Times(0, 0, now))
            self._over += max(waited - before.waited, 0)
            stands_still = state == "R" and before[:2] == (ran, waited)
            seen[thread] = Times(ran, waited, before.since if stands_still else now)
        self._seen = seen
        self.seconds = self._over / 1e9 + sum(now - times.since for times in seen.values())


def _threads(pid: int) -> Iterator[tuple[int, str, int, int]]:
    """Yield the number of each thread of a process, its state, and the nanoseconds that it has run and waited: proc(5)."""
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError, IndexError):  # it has ended, or this kernel does not count
                ran, waited, *_ = (thread / "schedstat").read_bytes().split()
                yield int(thread.name), procfs.stat_fields(int(thread.name))[0], int(ran), int(waited)


class TimeLimit:
    """A limit on the time of the processes below one, and of this one, on which they wait.

    On a machine that has too much to do it is longer, by what they have waited for a processor, though not without end. Not for
    a crowd, as of a fork bomb, whose processes wait for one another.
    """

    def __init__(self, pid: int, seconds: float) -> None:
        self._pid = pid
        self._delay = RunDelay()
        self._looked = 0.0
        self._look()
        self.restart(seconds)

    def restart(self, seconds: float) -> None:
        """Begin anew, with another limit."""
        self._seconds = seconds
        self._begun = time.monotonic()
        self._before = self._delay.seconds

    def give(self, seconds: float) -> None:
        """Give more time."""
        self._seconds += seconds

    def exceeded(self) -> str:
        """Return `timeout` once the time is over, `busy` if it waited for longer than is given back; nothing before."""
        if time.monotonic() > self._looked + LOOK_SECONDS:
            self._look()
        elapsed = time.monotonic() - self._begun
        waited = min(self._delay.seconds - self._before, elapsed)
        if elapsed - min(waited, MOST_WAITED_SECONDS) <= self._seconds:
            return ""
        return "timeout" if elapsed - waited > self._seconds else "busy"

    def _look(self) -> None:
        family = procfs.descendants(self._pid)
        if len(family) <= CROWD:
            self._delay.look([os.getpid(), self._pid, *family])
        self._looked = time.monotonic()
