"""The course as one: `labcore lesson solve` plays all of it, and whoever has skipped a step gets through."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from labcore.lab.lessons import LESSONS, Lesson, all_steps
from labcore.lab.program import functions, marked
from labcore.lab.solutions import source_of
from labcore.lab.workspace import Workspace
from tests.conftest import PROJECT, needs_root
from tests.warm_checks import WarmChecks

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


def names_in(lesson: Lesson) -> tuple[str, ...]:
    return (*lesson.steps, *lesson.challenges)


def leaning() -> list[tuple[int, str, str]]:
    """Return, for each step of a lesson, the steps that its solution names: it leans on them."""
    found = []
    for lesson in LESSONS:
        known = {name for each in LESSONS if each.number <= lesson.number for name in names_in(each)}
        for step in names_in(lesson):
            used = {node.id for node in ast.walk(ast.parse(source_of(step, lesson.number))) if isinstance(node, ast.Name)}
            found += [(lesson.number, step, other) for other in sorted(used & known - {step})]
    return found


def written(directory: Path, *, but: str = "") -> Workspace:
    """Write all lessons' steps in their order, as a learner does, but for one."""
    workspace = Workspace(directory)
    for lesson in LESSONS:
        for step in names_in(lesson):
            if step != but:
                workspace.save(step, marked(step, source_of(step, lesson.number), lesson.number), lesson.number)
    return workspace


@pytest.mark.parametrize(("number", "step", "skipped"), leaning())
def test_a_step_passes_although_one_that_it_leans_on_was_skipped(
    number: int, step: str, skipped: str, warm: WarmChecks, tmp_path: Path
) -> None:
    """All others are there; that all may be skipped is shown by the checks' own tests, and by the notebooks' blanks."""
    workspace = written(tmp_path, but=skipped)
    text = workspace.text(number)
    assert {step}.issubset(functions(text))
    assert skipped not in functions(text)
    verdict = warm.verdict_on(step, text, number)
    assert verdict.state == "passed", verdict


def lesson_command(work: Path, *words: str) -> str:
    command = [sys.executable, "-m", "labcore", "lesson", words[0], "--work", str(work), *words[1:]]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_solve_plays_all_lessons_in_one_file(tmp_path: Path) -> None:
    """One after the other, a teacher's way to see the end first; each lesson's mark is full then, and the file is a program."""
    work = tmp_path / "work"
    for lesson in LESSONS:
        said = lesson_command(work, "solve", str(lesson.number))
        assert said.count("the solution is in") == len(names_in(lesson))
    assert set(functions(Workspace(work).text())) == set(all_steps())
    for lesson in LESSONS:
        mark = lesson_command(work, "check", str(lesson.number), "--seed", "5").splitlines()[-1]
        assert mark.startswith(f"{len(lesson.steps)} of {len(lesson.steps)} steps"), mark
    status = lesson_command(work, "status")
    assert "○" not in status
    assert status.count("passed, by labcore's solution") == sum(len(names_in(lesson)) for lesson in LESSONS)
