"""Sitting: the tasks of a paper one by one, in a terminal or with answers from a file; then the mark."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from labcore.errors import InvalidInput, LabcoreError
from labcore.lab.examination.live import Site
from labcore.lab.examination.paper import PASS_MARK
from labcore.lab.examination.tasks import FaultTask, Marked, StepTask, Task
from labcore.lab.lessons import lesson
from labcore.lab.messages import labelled, say
from labcore.lab.workspace import Workspace
from labcore.record import Record

Ask = Callable[[str], str]  # a prompt -> a line that was typed; EOFError where no more come
Tell = Callable[[str], None]
LINE: Final = re.compile(r"\s*(\d+)\s*[.:：]\s*(.*)")


class Result(Record):
    """What came of an examination: the marks, in the paper's order, and what was answered."""

    tasks: tuple[Task, ...]
    answers: tuple[tuple[str, ...], ...]
    marks: tuple[Marked, ...]

    @property
    def right(self) -> int:
        """How many tasks were done right."""
        return sum(each.right for each in self.marks)

    @property
    def passed(self) -> bool:
        """Whether that is enough."""
        return self.right >= PASS_MARK

    def lines(self) -> list[str]:
        """Return a line for each task: right and why, or which lesson to look at again."""
        return [
            f"{'✓' if mark.right else '✗'} {number:2}. {_remark(task, mark)}"
            for number, (task, mark) in enumerate(zip(self.tasks, self.marks, strict=True), 1)
        ]

    def title(self) -> str:
        """The mark in a line."""
        words = {"right": self.right, "of": len(self.marks), "needed": PASS_MARK}
        if self.passed:
            return say("{right} of {of}: passed", **words)
        return say("{right} of {of}: not passed; {needed} are needed", **words)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON's values; right answers are not among them."""
        questions = [
            {
                "number": number,
                "lesson": task.lesson,
                "kind": task.kind,
                "question": task.text(),
                "answer": "\n".join(answer),
                "right": mark.right,
            }
            for number, (task, answer, mark) in enumerate(zip(self.tasks, self.answers, self.marks, strict=True), 1)
        ]
        return {"passed": self.passed, "right": self.right, "of": len(self.marks), "needed": PASS_MARK, "questions": questions}


def _remark(task: Task, mark: Marked) -> str:
    if mark.right:
        return mark.remark
    where = say("lesson {number}, {title}", number=task.lesson, title=lesson(task.lesson).title)
    return labelled(where, mark.remark) if mark.remark else where


def sit(tasks: Sequence[Task], ask: Ask, tell: Tell, site: Site) -> Result:
    """Ask all tasks, then mark them. What is not answered any more, after the last line, is wrong.

    Faults are broken, mended and marked when they are asked for, the rest is marked in the end.
    """
    answers: list[tuple[str, ...]] = []
    early: dict[int, Marked] = {}
    for number, task in enumerate(tasks, 1):
        if isinstance(task, FaultTask):
            tell(say("Question {number} of {of} …", number=number, of=len(tasks)))
            answer, early[number] = _mended(task, ask, tell)
        else:
            tell(paragraph(number, len(tasks), task))
            answer = _answered(task, ask)
        answers.append(answer)
        tell("")
    marks = [
        early.get(number) or marked(task, answer, site)
        for number, (task, answer) in enumerate(zip(tasks, answers, strict=True), 1)
    ]
    return Result(tuple(tasks), tuple(answers), tuple(marks))


def paragraph(number: int, of: int, task: Task) -> str:
    """Return a task's text below its number."""
    return f"{say('Question {number} of {of} (lesson {lesson})', number=number, of=of, lesson=task.lesson)}\n{task.text()}"


def marked(task: Task, answer: Sequence[str], site: Site) -> Marked:
    """Mark an answer; a task that cannot be marked here is not done, and its remark says why."""
    try:
        return task.mark(answer, site)
    except (LabcoreError, OSError) as error:
        return Marked(False, str(error).partition("\n")[0])


def note(workspace: Workspace, seed: int, learner: str, result: Result) -> None:
    """Keep the mark, where there is a workspace."""
    if workspace.directory.is_dir():
        workspace.progress.note("exams", f"{seed} {learner}".strip(), result.right)


def _answered(task: Task, ask: Ask) -> tuple[str, ...]:
    prompt = say("Press Enter when it is there: ") if isinstance(task, StepTask) else say("answer: ")
    try:
        return (ask(prompt),)
    except EOFError:
        return ()


def _mended(task: FaultTask, ask: Ask, tell: Tell) -> tuple[tuple[str, ...], Marked]:
    """Break it, carry out what is typed until an empty line, and look."""
    typed: list[str] = []
    try:
        fault = task.begin()
        tell(task.text())
        tell(
            say("(Another terminal reaches it by DOCKER_HOST={url}. An empty line: it is mended, look.)", url=fault.daemon.url)
        )
        try:
            while line := ask("$ docker ").strip():
                typed.append(line)
                tell(task.type(line).rstrip("\n"))
        except EOFError:
            pass
        return tuple(typed), task.mark((), Site())
    except (LabcoreError, OSError) as error:
        return tuple(typed), Marked(False, str(error).partition("\n")[0])
    finally:
        task.end()


def answers_of(file: Path) -> dict[int, list[str]]:
    """Read a file of answers: `NUMBER: ANSWER` in each line, several for several commands. Raises InvalidInput."""
    found: dict[int, list[str]] = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise InvalidInput(f"{file}: {getattr(error, 'strerror', None) or error}") from None
    for place, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if (match := LINE.fullmatch(line)) is None:
            raise InvalidInput(say("{file}, line {place}: `NUMBER: ANSWER` is wanted, as in `3: b`", file=file, place=place))
        found.setdefault(int(match[1]), []).append(match[2])
    return found


class Written:
    """Answers from a file, given as if they were typed."""

    def __init__(self, answers: dict[int, list[str]], tasks: Sequence[Task]) -> None:
        self._lines = iter(
            [line for number, task in enumerate(tasks, 1) for line in self._typed(answers.get(number, []), task)]
        )

    @staticmethod
    def _typed(lines: list[str], task: Task) -> list[str]:
        return [*lines, ""] if isinstance(task, FaultTask) else [" ".join(lines)]

    def __call__(self, _: str) -> str:
        """Return the next line."""
        return next(self._lines)
