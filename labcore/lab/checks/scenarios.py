"""Scenarios of a lesson by their steps, each in a module of its lesson that is imported when the step is checked.

A check takes as long as its imports, twice: the supervisor and the sandbox know the scenario.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module

from labcore.lab.checks.scenario import Scenario
from labcore.lab.lessons import lesson_of


class LazyScenarios(Mapping[str, Scenario]):
    """The scenarios of a package; `homes` maps its modules to steps, whose scenarios have the steps' names in capitals."""

    def __init__(self, package: str, homes: Mapping[str, tuple[str, ...]]) -> None:
        self._home = {step: f"{package}.{module}" for module, steps in homes.items() for step in steps}

    def __getitem__(self, step: str) -> Scenario:
        found: Scenario = getattr(import_module(self._home[step]), step.upper())
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._home)

    def __len__(self) -> int:
        return len(self._home)


def scenario_of(step: str, lesson: int) -> Scenario:
    """Return the check of a step in a lesson."""
    module = import_module(f"labcore.lab.checks.lesson_{lesson_of(step, lesson).number:02}")
    found: Scenario = module.SCENARIOS[step]
    return found
