"""Catalogue of hints, three for each step, in both languages: a question, a pointer, the line's shape."""

from importlib import import_module

from labcore.lab.lessons import lesson_of
from labcore.language import Bilingual


def hints(step: str, lesson: int | None = None) -> tuple[Bilingual, ...]:
    """Return the hints for a step as a lesson asks for it (None: the last that has it). Raises InvalidInput for no step."""
    number = lesson_of(step, lesson).number
    found: tuple[Bilingual, ...] = import_module(f"labcore.lab.hints.lesson_{number:02}").HINTS[step]
    return found
