"""Tasks of the examination: a question with options, one whose answer is computed, a step that is checked, a fault to find."""

import ast
import contextlib
import io
from collections.abc import Sequence
from typing import Final, Literal, Protocol

from labcore.errors import LabcoreError
from labcore.lab.checks import as_it_counts, examine
from labcore.lab.examination.live import Live, Site, Words, same
from labcore.lab.fault_labs import Fault, broken
from labcore.lab.faults.scenario import FaultScenario
from labcore.lab.messages import say
from labcore.lab.progress import entry
from labcore.lab.questions import Question
from labcore.lab.solutions import source_of
from labcore.lab.workspace import NAME, CannotRead, Workspace
from labcore.record import Record

Kind = Literal["choice", "value", "step", "fault"]
LETTERS: Final = "abcdef"


class Marked(Record):
    """How a task was done. `remark` never is the right answer: why it is right, for those who knew, or what was claimed."""

    right: bool
    remark: str = ""


class Task(Protocol):
    """A task of the examination: of which lesson and kind it is, its text, and its mark."""

    lesson: int
    kind: Kind

    def text(self) -> str:
        """Return what is asked, for a terminal: several lines."""

    def mark(self, answer: Sequence[str], site: Site) -> Marked:
        """Mark an answer: its lines, none if there is no answer."""


class Choice:
    """A question of a lesson's, its options in a drawn order; the answer is an option's letter."""

    kind: Kind = "choice"

    def __init__(self, lesson: int, question: Question, order: Sequence[int]) -> None:
        self.lesson, self.question, self.order = lesson, question, tuple(order)

    def options(self) -> list[tuple[str, str]]:
        """Return the letters, and what they stand for."""
        return [(letter, str(self.question.options[each])) for letter, each in zip(LETTERS, self.order, strict=False)]

    def text(self) -> str:
        """The question and its options."""
        return "\n".join([str(self.question.text), *(f"  {letter}) {option}" for letter, option in self.options())])

    def mark(self, answer: Sequence[str], site: Site) -> Marked:  # noqa: ARG002
        """Compare the letter."""
        given = "".join(answer).strip().casefold().removesuffix(")")
        right = given == LETTERS[self.order.index(self.question.answer)]
        return Marked(right, str(self.question.why) if right else "")


class Value:
    """A live question with its drawn words; the answer is what is seen when it is marked."""

    kind: Kind = "value"

    def __init__(self, live: Live, words: Words) -> None:
        self.lesson, self.live, self.words = live.lesson, live, words

    def text(self) -> str:
        """The question, filled in; what is no sentence is moved to the right."""
        sentence, _, listing = str(self.live.text).format(**self.words).partition("\n\n")
        return "\n".join([sentence, *(f"    {line}".rstrip() for line in listing.splitlines())])

    def mark(self, answer: Sequence[str], site: Site) -> Marked:
        """Look what is the case."""
        given = " ".join(answer)
        right = bool(given.strip()) and same(given, self.live.seen(self.words, site))
        return Marked(right, str(self.live.why) if right else "")


class StepTask:
    """A step of the learner's, as it stands in their file when it is marked: their check, with draws of the examination's."""

    kind: Kind = "step"

    def __init__(self, lesson: int, step: str, seed: int, workspace: Workspace) -> None:
        self.lesson, self.step, self.seed, self.workspace = lesson, step, seed, workspace

    def text(self) -> str:
        """Which step is checked."""
        return say(
            "Your step `{step}`, as lesson {lesson} asks for it, is checked as it stands in {file}. Write it now, if it is "
            "not there; labcore's solution does not count.",
            step=self.step,
            lesson=self.lesson,
            file=self.workspace.file,
        )

    def mark(self, answer: Sequence[str], site: Site) -> Marked:  # noqa: ARG002  the answer is the file
        """Check it in a copy of the file."""
        try:
            text = self.workspace.steps(self.lesson).get(self.step)
        except (SyntaxError, ValueError, CannotRead):
            return Marked(False, say("{file} cannot be read: run the step's cell again.", file=NAME))
        if not text:
            return Marked(False, say("it is blank"))
        if self._is_solution(text):
            return Marked(False, say("it is labcore's solution, not yours: lesson reset makes it a blank again"))
        with as_it_counts(self.workspace, self.lesson) as file:
            verdict = examine(self.step, file, self.seed, lesson=self.lesson)
        return Marked(verdict.state == "passed", verdict.title)

    def _is_solution(self, text: str) -> bool:
        """Return whether `lesson solve` has put it there, and nobody has changed it since."""
        solution = source_of(self.step, self.lesson)
        solved = entry(self.step, self.lesson) in self.workspace.progress.of("solved")
        return solved and ast.dump(ast.parse(text)) == ast.dump(ast.parse(solution))


class FaultTask:
    """Something that is broken on purpose when the task is begun; the answer are docker commands, which are carried out."""

    kind: Kind = "fault"

    def __init__(self, lesson: int, scenario: FaultScenario, seed: int) -> None:
        self.lesson, self.scenario, self.seed = lesson, scenario, seed
        self.fault: Fault | None = None

    def begin(self) -> Fault:
        """Break it, unless that is done. Raises LabcoreError."""
        if self.fault is None:
            with contextlib.redirect_stdout(io.StringIO()):
                self.fault = broken([self.scenario], self.seed)
        return self.fault

    def text(self) -> str:
        """What its user complains of, once it is broken."""
        first = say("Something is broken: find out what, and mend it with the docker command.")
        if self.fault is None:
            return f"{first}\n{say('(It is broken when you come to it.)')}"
        return "\n".join([first, "", *(f"    {line}" for line in self.fault.complaint.splitlines())])

    def type(self, line: str) -> str:
        """Carry out a docker command, with the word docker before it or without; return what it puts out."""
        try:
            return self.begin().docker.quietly(line.strip().removeprefix("docker ")).output
        except (LabcoreError, ValueError) as error:  # it took too long; a quotation mark is open
            return f"{error}\n"

    def mark(self, answer: Sequence[str], site: Site) -> Marked:  # noqa: ARG002
        """Carry the commands out, look whether it is mended, and restore."""
        fault = self.begin()
        try:
            for line in answer:
                self.type(line)
            verdict = fault.check()
            return Marked(verdict.state == "passed", verdict.title)
        finally:
            self.end()

    def end(self) -> None:
        """Restore what was broken, if anything is."""
        if self.fault:
            self.fault.restore()
