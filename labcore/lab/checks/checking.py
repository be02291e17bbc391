"""Check from a notebook: `lab.check(function)`."""

import json
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labcore.errors import LabcoreError
from labcore.lab.checks.verdict import Claim, Verdict, strict
from labcore.lab.learner import learner, learners_seed
from labcore.lab.lessons import current, lesson_of
from labcore.lab.messages import say
from labcore.lab.sandbox import python
from labcore.lab.steps import UNSAVED, is_reference, lives_in
from labcore.lab.workspace import NAME, CannotRead, Workspace, default_workspace

SEEDS = 1 << 32


class NotPassed(LabcoreError):
    """A check that had to pass has failed; the message is its verdict."""


def check(function: Callable[..., Any], *, seed: int | None = None) -> Verdict:
    """Check a step as it stands in `my_runtime.py`: run it in a fresh process, and look at its container from outside.

    Names, numbers and files are drawn anew each time (or from `seed`, for each learner others: LABCORE_LEARNER). On a blank it
    says so and stops nothing; with LABCORE_STRICT=1 whatever has not passed raises NotPassed.
    """
    name = getattr(function, "__name__", repr(function))
    lesson = lesson_of(name, current()).number
    workspace = default_workspace()
    try:
        steps = workspace.steps(current())
    except (SyntaxError, ValueError, CannotRead):
        verdict = Verdict(name, "failed", advice=say("{file} cannot be read: run the step's cell again.", file=NAME))
    else:
        if name in UNSAVED:
            advice = say(
                "What its cell says now is not saved, for the cell stopped before. Mend it, run it, and run this check again."
            )
            verdict = Verdict(name, "failed", advice=advice)
        elif is_reference(function):
            verdict = Verdict(name, "blank", advice=say("Fill in the cell above, run it, and run this check again."))
        elif name not in steps or not lives_in(function, workspace.file):
            advice = say("This function is not the one that is saved: put @lab.step above it, and run its cell again.")
            verdict = Verdict(name, "failed", advice=advice)
        else:
            with as_it_counts(workspace, current()) as file:
                draws = None if seed is None else learners_seed(seed, learner())
                verdict = examine(name, file, draws, lesson=lesson)
            if verdict.state == "passed":
                workspace.note_passed(name, steps[name], lesson)
    if strict() and verdict.state != "passed":
        raise NotPassed(repr(verdict))
    return verdict


@contextmanager
def as_it_counts(workspace: Workspace, at: int | None) -> Iterator[Path]:
    """Make a copy of `my_runtime.py`, as it counts in a lesson: a check reads that, whatever is saved meanwhile."""
    with tempfile.TemporaryDirectory(prefix="labcore-mark-") as directory:
        file = Path(directory, NAME)
        file.write_text(workspace.text(at), encoding="utf-8", errors="surrogateescape")
        yield file


def examine(step: str, file: Path, seed: int | None = None, *, lesson: int | None = None) -> Verdict:
    """Check a step in a file, without a notebook, by a lesson's check (None: the last lesson that has it)."""
    seed = secrets.randbelow(SEEDS) if seed is None else seed
    number = lesson_of(step, lesson).number
    command = python("labcore.lab.checks.supervisor", step, str(file.absolute()), str(seed), str(number))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as supervisor:
        assert supervisor.stdin is not None
        assert supervisor.stdout is not None
        try:
            answer = supervisor.stdout.read()
        finally:
            supervisor.stdin.close()  # an interrupt ends the check, and all it started
            supervisor.wait()
    if not answer:
        claim = Claim(say("the check came to its end"), False, f"exit status {supervisor.returncode}")
        return Verdict(step, "failed", (claim,), seed=seed)
    return Verdict.from_json(json.loads(answer))
