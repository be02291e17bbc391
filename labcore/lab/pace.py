"""Pace of a work in rounds: how much time is left, by how long the same things took in the rounds before."""

import time
from collections.abc import Callable

from labcore.lab.messages import say


class Pace:
    """The durations so far, by what was done. In the first round nobody knows what is to come, and it does not guess."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = self._last = clock()
        self._doing = ""
        self._took: dict[str, float] = {}

    def line(self, what: str, done: int, total: int) -> str:
        """Note that `what`, number `done` of `total`, begins; return a line that says so, with the time left or gone."""
        now = self._clock()
        if self._doing:
            self._took[self._doing] = now - self._last
        self._doing, self._last = what, now
        first = say("{done} of {total}: {what}", done=done, total=total, what=what)
        if what not in self._took:
            return say("{line} ({seconds} s so far)", line=first, seconds=f"{now - self._began:.0f}")
        left = (total - done + 1) * sum(self._took.values()) / len(self._took)
        return say("{line} (about {seconds} s left)", line=first, seconds=f"{left:.0f}")
