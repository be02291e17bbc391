"""Quizzes: questions at the end of a lesson, drawn from its pool; an answer is judged at once, with a word why."""

import html
import random
from typing import Any

from ipywidgets import HTML, Button, Layout, RadioButtons, VBox

from labcore.errors import InvalidInput
from labcore.lab.colours import BAD, GOOD
from labcore.lab.learner import learner
from labcore.lab.lessons import current
from labcore.lab.messages import say
from labcore.lab.questions import Question, questions
from labcore.lab.widget import Printable, as_heading, as_html
from labcore.lab.workspace import default_workspace


class QuestionField(VBox):  # type: ignore[misc]
    """One question: its options in the order given, and, once one is picked, whether it is right and why."""

    def __init__(self, name: str, question: Question, order: list[int], number: int) -> None:
        self.name, self.question, self.order, self.number = name, question, order, number
        self.field = RadioButtons(
            options=[(str(question.options[each]), each) for each in order], value=None, layout=Layout(width="auto")
        )
        self.feedback = HTML()
        self.field.observe(self._judge, "value")
        super().__init__([HTML(as_heading(f"{number}. {question.text}")), self.field, self.feedback])

    def _judge(self, change: dict[str, Any]) -> None:
        right = change["new"] == self.question.answer
        self.field.disabled = True
        progress = default_workspace().progress
        if self.name not in progress.of("quiz"):  # the first answer counts
            progress.note("quiz", self.name, right)
        colour, text = (GOOD, say("✓ right.")) if right else (BAD, f"✗ {self.right_answer}.")
        self.feedback.value = f"<span style='color:{colour}'>{as_html(f'{text} {self.question.why}')}</span>"

    @property
    def right_answer(self) -> str:
        """The right option, as a text."""
        return str(self.question.options[self.question.answer])

    def lines(self) -> list[str]:
        """Return the question and its options."""
        letters = zip("abcdef", self.order, strict=False)
        return [
            f"{self.number}. {self.question.text}",
            *(f"   {letter}) {self.question.options[each]}" for letter, each in letters),
        ]


class Quiz(Printable):
    """Some of a lesson's questions, and a button that draws others. In print the answers are folded away."""

    def __init__(self, lesson: int, count: int) -> None:
        self.lesson, self.count, self.round = lesson, count, 0
        self.others = Button(description=say("other questions"), icon="refresh", layout=Layout(width="auto"))
        self.others.on_click(lambda _: self._next())
        super().__init__([])
        self._show()

    def _next(self) -> None:
        self.round += 1
        self._show()

    def _show(self) -> None:
        self.fields = list(map(self._field, drawn(self.lesson, self.count, self.round), range(1, self.count + 1)))
        self.children = [*self.fields, self.others]

    def _field(self, name: str, number: int) -> QuestionField:
        question = questions(self.lesson)[name]
        order = list(range(len(question.options)))
        _lots(f"{name} {self.round}").shuffle(order)
        return QuestionField(name, question, order, number)

    def plain(self) -> str:
        """The questions; the answers stand behind them."""
        asked = [line for field in self.fields for line in field.lines()]
        return "\n".join([*asked, say("Answers:"), *self._answers()])

    def static_html(self) -> str:
        """The questions, with their answers folded away."""
        asked = "".join(f"<pre style='margin:6px 0'>{html.escape(chr(10).join(field.lines()))}</pre>" for field in self.fields)
        answers = "".join(f"<div>{as_html(line)}</div>" for line in self._answers())
        return f"{asked}<details><summary>{html.escape(say('Answers'))}</summary>{answers}</details>"

    def _answers(self) -> list[str]:
        return [f"{field.number}. {field.right_answer}. {field.question.why}" for field in self.fields]


def quiz(count: int = 5, *, lesson: int | None = None) -> Quiz:
    """Ask some questions on a lesson, by default the one that was begun. Raises InvalidInput outside of a lesson."""
    number = lesson or current()
    if number is None:
        raise InvalidInput(say("which lesson? Run its first cell, lab.begin, before"))
    return Quiz(number, min(count, len(questions(number))))


def drawn(lesson: int, count: int, round_: int = 0) -> list[str]:
    """Return the names of the questions that a learner is asked: each round has others, as far as there are enough."""
    names = list(questions(lesson))
    _lots(str(lesson)).shuffle(names)
    first = round_ * count % len(names)
    return (names[first:] + names[:first])[:count]


def _lots(about: str) -> random.Random:
    return random.Random(f"{learner() or default_workspace().directory} {about}")
