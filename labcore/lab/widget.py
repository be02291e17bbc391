"""Widgets: one that has a static form in print, and a plan as a list of checkboxes, one for each op."""

import html
from collections.abc import Sequence
from typing import Any

from ipywidgets import HTML, Button, Checkbox, Layout, VBox

from labcore.errors import LabcoreError, StepFailed
from labcore.lab.colours import BAD, GOOD
from labcore.lab.messages import say
from labcore.native import DEVNULL, PIPE
from labcore.runtime import Plan, spawn
from labcore.runtime.ops import Op

SECONDS = 5.0
ROW = Layout(width="auto", height="22px", margin="0")


class Printable(VBox):  # type: ignore[misc]
    """A widget that is read without a kernel, too: in an exported or printed notebook its static form stands in its place."""

    def plain(self) -> str:
        """Return the static form as text."""
        raise NotImplementedError

    def static_html(self) -> str:
        """Return the static form as HTML: the text, unless there is something better."""
        return f"<pre style='line-height:1.4'>{html.escape(self.plain())}</pre>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if isinstance(bundle, dict):
            bundle |= {"text/plain": self.plain(), "text/html": self.static_html()}
        return bundle


def as_html(text: object) -> str:
    """Return a text as HTML: what stands between backquotes is code."""
    parts = html.escape(str(text)).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def as_heading(text: object) -> str:
    """Return a question as HTML, above the answers to it; of several lines, as close as those of a text."""
    return f"<div style='line-height: 1.5; padding: 0.3em 0'><b>{as_html(text)}</b></div>"


class TickOff(Printable):
    """A plan whose ops have a box each: what is unticked is left out when `start` is pressed.

    In print: the plan's table, and what came of its last start.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.boxes = [Checkbox(True, description=f"{i:2}  {op}", indent=False, layout=ROW) for i, op in enumerate(plan)]
        self.start = Button(description=say("start"), icon="play", layout=Layout(width="120px", margin="6px 0"))
        self.result = HTML()
        self.start.on_click(lambda _: self.carry_out())
        super().__init__([*self.boxes, self.start, self.result])
        self.carry_out()

    @property
    def ticked(self) -> list[int]:
        """The numbers of the ops that are ticked."""
        return [number for number, box in enumerate(self.boxes) if box.value]

    def carry_out(self) -> None:
        """Start a container by the ticked ops and show what it printed, or why there is none."""
        try:
            text, colour = outcome([self.plan.ops[number] for number in self.ticked]), GOOD
        except StepFailed as error:
            number = self.ticked[error.index]  # as the list shows it, not as the shorter plan would
            error.step = f"op {number}, {self.plan.ops[number]}"
            text, colour = str(error), BAD
        except (LabcoreError, TimeoutError) as error:
            text, colour = str(error), BAD
        style = f"border-left:4px solid {colour};padding:2px 10px;margin:0;white-space:pre-wrap;line-height:1.4"
        self.result.value = f"<pre style='{style}'>{html.escape(text)}</pre>"

    def plain(self) -> str:
        """The plan's table."""
        return str(self.plan)

    def static_html(self) -> str:
        """The plan's table, and what came of its last start."""
        return f"{super().static_html()}{self.result.value}"


def outcome(ops: Sequence[Op]) -> str:
    """Carry out a plan and return what its program printed and how it ended. Raises StepFailed, InvalidInput, TimeoutError."""
    with spawn(Plan(ops), stdin=DEVNULL, stdout=PIPE, stderr=PIPE) as process:
        out, err = process.communicate(timeout=SECONDS)
    printed = (out + err).decode(errors="replace")[:4000].rstrip()
    ended = say("ended with exit code {code}", code=process.returncode)
    return f"{printed}\n({ended})" if printed else f"({ended})"


def tick(plan: Plan) -> TickOff:
    """Show a plan as a list to tick off, started once as it is."""
    return TickOff(plan)
