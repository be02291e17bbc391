"""Program of the capstone: `my_runtime.py` as a daemon is to read it, and which functions in it are whose."""

import ast
from pathlib import Path
from typing import Final

from labcore.atomic import atomic_write
from labcore.engine import default_root
from labcore.engine.stages import BUILDER
from labcore.lab.lessons import LESSONS, all_steps
from labcore.lab.program import functions, lines_of, outdated
from labcore.lab.solutions import source_of
from labcore.lab.steps import is_blank
from labcore.lab.workspace import ENDING, HEADER, NAME, Workspace, default_workspace
from labcore.record import Record
from labcore.runtime import STAGES

LESSON: Final = LESSONS[-1].number
READ: Final = tuple(name for name in all_steps() if name in STAGES or name in BUILDER)  # what a daemon takes from the file


class Program(Record):
    """A program's text, and the names of the steps in it that are the learner's own: blanks and what is outdated are not."""

    text: str
    own: tuple[str, ...]


def program(workspace: Workspace | None = None) -> Program:
    """Return `my_runtime.py` as it counts in the last lesson. Raises CannotRead, SyntaxError.

    A version that a later lesson has replaced gives way to labcore's own, which can do what is asked for here; the lines keep
    their numbers.
    """
    text = (workspace or default_workspace()).text(LESSON) or f"{HEADER}\n\n{ENDING}"
    steps = {name: source for name, (_, _, source) in functions(text).items() if name in all_steps()}
    gone = {*outdated(steps, LESSON), *(name for name, source in steps.items() if is_blank(source))}
    return Program(_without(text, gone), tuple(name for name in all_steps() if name in steps and name not in gone))


def _without(text: str, names: set[str]) -> str:
    lines = lines_of(text)
    for name, (first, end, _) in functions(text).items():
        if name in names:
            lines[first:end] = ["\n"] * (end - first)
    return "".join(lines)


def filled(found: Program) -> str:
    """Return a program with labcore's solutions added, for what a daemon takes from it and the learner has not written."""
    more = [source_of(name, LESSON) for name in READ if name not in found.own]
    return "\n\n\n".join([found.text.rstrip(), *more, ""])


def stages() -> str:
    """Return the path of `my_runtime.py` as it counts now, for `labcore daemon --stages`: a copy, made anew by each call.

    What is not written in it, labcore's solutions do. Raises CannotRead, SyntaxError.
    """
    path = default_root() / "lab" / "stages" / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    write_program(path, filled(program()))
    return str(path)


def lines_written(source: str) -> int:
    """Return how many lines of a function say something: no comments, no docstring, no blank lines."""
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    first = min((each.lineno for each in body), default=0)
    said = [line.strip() for line in lines_of(source)[first - 1 :]] if first else []
    return sum(bool(line) and not line.startswith("#") for line in said)


def write_program(path: Path, text: str) -> None:
    """Write a program that a daemon may be reading."""
    atomic_write(path, text.encode(errors="surrogateescape"), durable=False)
