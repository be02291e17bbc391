"""A daemon for a check of lesson 6: the other handlers are the solutions, its store is the check's, its images are drawn."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from labcore.lab.checks.lesson_03.running import enter_state_root
from labcore.lab.checks.scenario import REFERENCE, Draw, Perform
from labcore.lab.checks.serving import serve
from labcore.lab.solutions import solution

LESSON: Final = 6
OTHERS: Final = ("route", "ping", "create", "start", "wait", "command", "attach")  # what a daemon needs besides


def performing(step: str, runtime: Callable[[Draw], list[str]], registry: Callable[[Draw], str] = lambda _: "") -> Perform:
    """Return what serves the learner's `step`, and the solutions of all others."""

    def perform(mine: ModuleType, draw: Draw) -> dict[str, Any]:
        enter_state_root(draw)
        mine.__dict__.update({name: solution(name, LESSON) for name in OTHERS if name != step})
        mine.__dict__["pull"] = REFERENCE.pull
        return serve(mine, draw, runtime=runtime(draw), lesson=LESSON, registry=registry(draw))

    return perform
