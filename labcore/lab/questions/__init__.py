"""Catalogue of the questions at the end of each lesson, in both languages; a quiz draws some of them."""

from importlib import import_module

from labcore.language import Bilingual
from labcore.record import Record


class Question(Record):
    """A question, its options, which of them is right, and a word why."""

    text: Bilingual
    options: tuple[Bilingual, ...]
    answer: int
    why: Bilingual


def questions(lesson: int) -> dict[str, Question]:
    """Return a lesson's questions by their names. Raises ModuleNotFoundError for a lesson without any."""
    found: dict[str, Question] = import_module(f"labcore.lab.questions.lesson_{lesson:02}").QUESTIONS
    return found
