"""Widget: a plan as a list of checkboxes, one for each op, and the container that results."""

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


class TickOff(VBox):  # type: ignore[misc]
    """A plan whose ops have a box each: what is unticked is left out when `start` is pressed.

    Where no widget can be shown, in print and on a web page: the plan's table, and what came of its last start.
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

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if isinstance(bundle, dict):
            bundle["text/plain"] = str(self.plan)
            bundle["text/html"] = f"<pre>{html.escape(str(self.plan))}</pre>{self.result.value}"
        return bundle


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
