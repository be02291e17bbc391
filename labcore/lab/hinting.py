"""Hints in a notebook and at the command line: drawn out one by one, and counted."""

from collections.abc import Callable
from typing import Any

from ipywidgets import HTML, Button, Layout

from labcore.lab.drawn_hints import draw_hint, drawn_hints, open_lesson
from labcore.lab.hints import hints
from labcore.lab.lessons import current
from labcore.lab.messages import say
from labcore.lab.widget import Printable, as_html
from labcore.lab.workspace import default_workspace


class Hints(Printable):
    """The hints of a step that were drawn out, and a button for the next one. In print each is folded away."""

    def __init__(self, step: str, lesson: int) -> None:
        self.step, self.lesson = step, lesson
        self.all = hints(step, lesson)
        self.shown = HTML()
        self.next = Button(icon="lightbulb-o", layout=Layout(width="auto"))
        self.next.on_click(lambda _: self._draw())
        super().__init__([self.shown, self.next])
        self._show(drawn_hints(default_workspace(), step, lesson))

    def _draw(self) -> None:
        self._show(draw_hint(default_workspace(), self.step, self.lesson))

    def _show(self, count: int) -> None:
        self.shown.value = "".join(f"<div>{number}. {as_html(text)}</div>" for number, text in enumerate(self.all[:count], 1))
        left = len(self.all) - count
        self.next.description = say("hint {n} of {total}", n=count + 1, total=len(self.all)) if left else say("no more hints")
        self.next.disabled = not left

    def plain(self) -> str:
        """Where the hints are."""
        return say("{n} hints, one by one: labcore lesson hint {step}", n=len(self.all), step=self.step)

    def static_html(self) -> str:
        """The hints, each folded away."""
        heads = (say("hint {n} of {total}", n=number, total=len(self.all)) for number in range(1, len(self.all) + 1))
        hints_ = zip(heads, self.all, strict=True)
        return "".join(f"<details><summary>{head}</summary>{as_html(text)}</details>" for head, text in hints_)


def hint(step: str | Callable[..., Any]) -> Hints:
    """Offer the hints of a step, by its name or its function, one by one. Raises InvalidInput for no step."""
    name = step if isinstance(step, str) else step.__name__
    return Hints(name, open_lesson(default_workspace(), name, current()))
