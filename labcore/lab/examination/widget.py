"""Examination in a notebook: `lab.exam(seed)`: the tasks with fields to answer in, and a button that marks them all."""

import contextlib
import html
import secrets
from typing import Any

from ipywidgets import HTML, Button, Layout, RadioButtons, Text, VBox

from labcore.errors import InvalidInput
from labcore.lab.colours import BAD, GOOD, MUTED
from labcore.lab.docker_command import DockerCommand
from labcore.lab.examination.live import Site
from labcore.lab.examination.paper import SEEDS, draw_paper
from labcore.lab.examination.sitting import Result, marked, note, paragraph
from labcore.lab.examination.tasks import Choice, FaultTask, StepTask, Task
from labcore.lab.learner import learner
from labcore.lab.messages import say
from labcore.lab.widget import Printable, as_html
from labcore.lab.workspace import default_workspace

WIDE = Layout(width="auto")


class TaskField(VBox):  # type: ignore[misc]
    """A task, and where it is answered."""

    def __init__(self, number: int, of: int, task: Task) -> None:
        self.number, self.of, self.task = number, of, task
        self.asked, self.remark = HTML(), HTML()
        self.field = self._field()
        super().__init__([self.asked, *([self.field] if self.field else []), self.remark])
        self.show()

    def _field(self) -> Any:
        task = self.task
        if isinstance(task, Choice):
            options = [(option, letter) for letter, option in task.options()]
            return RadioButtons(options=options, value=None, layout=WIDE)
        if isinstance(task, FaultTask):
            button = Button(description=say("break it"), icon="bolt", layout=WIDE)
            button.on_click(lambda _: self.begin())
            return button
        return None if isinstance(task, StepTask) else Text(placeholder=say("type your answer"), layout=WIDE)

    def show(self) -> None:
        """Show what is asked; what a choice's options are, its field shows."""
        text = paragraph(self.number, self.of, self.task)
        head, first, *rest = text.split("\n")
        rest = [] if isinstance(self.task, Choice) else rest
        listing = f"<pre style='margin:4px 0;line-height:1.35'>{html.escape(chr(10).join(rest))}</pre>" if rest else ""
        self.asked.value = (
            f"<div style='color:{MUTED};margin-top:8px'>{html.escape(head)}</div><b>{as_html(first)}</b>{listing}"
        )

    def begin(self) -> None:
        """Break what is to be mended."""
        assert isinstance(self.task, FaultTask)
        self.field.disabled = True
        self.task.begin()
        self.show()
        self.remark.value = as_html(say("Mend it in a cell, by `exam.docker(…)`; then press the button below."))

    @property
    def answer(self) -> tuple[str, ...]:
        """What is answered; of a fault nothing, for it has been mended, or not."""
        value = getattr(self.field, "value", None)
        return (value,) if value else ()

    def close_with(self, line: str, *, right: bool) -> None:
        """Show the mark below the task, and take no more answers."""
        if self.field:
            self.field.disabled = True
        self.remark.value = f"<span style='color:{GOOD if right else BAD}'>{as_html(line)}</span>"


class Exam(Printable):
    """A paper of ten tasks. In print: the questions, without their answers."""

    def __init__(self, seed: int, *, practical: bool = True) -> None:
        self.seed = seed
        tasks = draw_paper(seed, learner(), default_workspace(), practical=practical)
        self.fields = [TaskField(number, len(tasks), task) for number, task in enumerate(tasks, 1)]
        self.button = Button(description=say("mark it"), icon="check", layout=WIDE)
        self.button.on_click(lambda _: self.mark())
        self.total = HTML()
        self.result: Result | None = None
        super().__init__([*self.fields, self.button, self.total])

    @property
    def docker(self) -> DockerCommand:
        """The docker command that asks the broken daemon. Raises InvalidInput where nothing is broken."""
        for field in self.fields:
            if isinstance(field.task, FaultTask) and field.task.fault:
                return field.task.fault.docker
        raise InvalidInput(say("nothing is broken: press “break it” first"))

    def mark(self) -> Result:
        """Mark all, once; restore what was broken, and keep the mark."""
        if self.result is None:
            self.button.disabled = True
            # Faults first: a live question's daemon takes the place of theirs.
            answers = {field.number: field.answer for field in self.fields}
            ordered = sorted(self.fields, key=lambda field: not isinstance(field.task, FaultTask))
            with Site() as site, contextlib.redirect_stdout(None):
                marks = {field.number: marked(field.task, answers[field.number], site) for field in ordered}
            numbers = [field.number for field in self.fields]
            self.result = Result(
                tuple(field.task for field in self.fields),
                tuple(answers[number] for number in numbers),
                tuple(marks[number] for number in numbers),
            )
            self._show(self.result)
            note(default_workspace(), self.seed, learner(), self.result)
        return self.result

    def _show(self, result: Result) -> None:
        for field, mark, line in zip(self.fields, result.marks, result.lines(), strict=True):
            field.close_with(line, right=mark.right)
        colour = GOOD if result.passed else BAD
        self.total.value = f"<b style='color:{colour}'>{html.escape(result.title())}</b> ({self._draw()})"

    def _draw(self) -> str:
        return f"seed {self.seed}{f', learner {learner()}' if learner() else ''}"

    def plain(self) -> str:
        """The questions, and what came of them."""
        asked = [paragraph(field.number, len(self.fields), field.task) for field in self.fields]
        return "\n\n".join([*asked, *(["\n".join(self.result.lines()), self.result.title()] if self.result else [])])


def exam(seed: int | None = None, *, practical: bool = True) -> Exam:
    """Sit the final examination in a notebook: ten tasks, drawn by a seed for each learner others (LABCORE_LEARNER).

    Without `practical` no step is checked, and nothing broken on purpose.
    """
    return Exam(secrets.randbelow(SEEDS) if seed is None else seed, practical=practical)
