"""Catalogue of guesses: the predictions that lessons ask for before a cell answers them, in both languages."""

from functools import cache
from importlib import import_module

from labcore.lab.lessons import LESSONS
from labcore.language import Bilingual
from labcore.record import Record


class Guess(Record):
    """A question with options to pick, or none: then it is typed.

    `answer` is the option that is right on every machine, None where a cell measures it; `why` a word on it.
    """

    question: Bilingual
    options: tuple[Bilingual, ...] = ()
    answer: int | None = None
    why: Bilingual | None = None


@cache
def guesses() -> dict[str, Guess]:
    """Return the guesses of all lessons by their names, in the order of the lessons."""
    parts = [import_module(f"labcore.lab.guesses.lesson_{lesson.number:02}").GUESSES for lesson in LESSONS]
    return {name: guess for part in parts for name, guess in part.items()}
