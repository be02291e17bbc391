"""Solutions of the steps: the reference for blanks, and the text of the folded solution cells."""

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

from labcore.lab.lessons import lesson_of


def solution(step: str, at: int | None = None) -> Callable[..., Any]:
    """Return a step's solution, the one that counts in lesson `at` (None: in the end). Raises InvalidInput if it is no step."""
    module = import_module(f"labcore.lab.solutions.lesson_{lesson_of(step, at).number:02}")
    function: Callable[..., Any] = getattr(module, step)
    return function


def source_of(step: str, at: int | None = None) -> str:
    """Return a solution's text."""
    return inspect.getsource(solution(step, at))
