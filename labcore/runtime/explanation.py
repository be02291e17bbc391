"""An explanation of a failure, and what finds one: looked up by the system call and its errno."""

from collections.abc import Callable
from typing import NamedTuple

from labcore.runtime.plan import Plan


class Explanation(NamedTuple):
    """Two sentences; an empty cure means that there is none to give."""

    cause: str
    cure: str


Explainer = Callable[[Plan, int], Explanation | None]
Explainers = tuple[tuple[str, set[int], Explainer], ...]  # each with the call and the errnos that it knows
