"""Catalogue of faults: for each lesson, scenarios in which its daemon, or containers on it, are broken on purpose."""

from importlib import import_module
from typing import Final

from labcore.errors import InvalidInput
from labcore.lab.faults.scenario import FaultScenario
from labcore.lab.messages import say

LESSONS: Final = (5, 6, 7, 8, 9, 10)


def scenarios(lesson: int) -> tuple[FaultScenario, ...]:
    """Return a lesson's scenarios. Raises InvalidInput for a lesson that has none."""
    if lesson not in LESSONS:
        raise InvalidInput(
            say("lesson {number} has no faults; these have: {numbers}", number=lesson, numbers=", ".join(map(str, LESSONS)))
        )
    found: tuple[FaultScenario, ...] = import_module(f"labcore.lab.faults.lesson_{lesson:02}").SCENARIOS
    return found
