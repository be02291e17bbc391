"""The steps as we would write them: what a blank stands for until it is filled, and what the folded solution cells show."""

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

from labcore.lab.lessons import lesson_of


def solution(step: str) -> Callable[..., Any]:
    """Return a step's solution. Raises InvalidInput for a name that is no step's."""
    module = import_module(f"labcore.lab.solutions.lesson_{lesson_of(step).number:02}")
    function: Callable[..., Any] = getattr(module, step)
    return function


def source_of(step: str) -> str:
    """Return a solution's text."""
    return inspect.getsource(solution(step))
