"""Mutants of the solutions: for each step the answers that differ from labcore's in one place."""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from labcore.lab.lessons import LESSONS
from labcore.lab.program import marked
from labcore.lab.solutions import source_of
from labcore.record import Record
from tests.mutation.operators import OPERATORS
from tests.mutation.slots import Slot, slots

SHOWN: Final = 70  # characters of a change: of longer ones the beginning and the end


class Mutant(Record):
    """A changed answer. `change` tells it from the others of its step: what was there, what came, and in which line."""

    lesson: int
    step: str
    change: str
    source: str


def all_steps() -> list[tuple[int, str]]:
    """Return each lesson's steps and challenges: a step may stand in two lessons."""
    return [(lesson.number, step) for lesson in LESSONS for step in (*lesson.steps, *lesson.challenges)]


@cache
def mutants_of(lesson: int, step: str) -> tuple[Mutant, ...]:
    """Return the mutants of a solution, in the order of its text, each once and none that reads the same."""
    source = source_of(step, lesson)
    tree = ast.parse(source)
    found = {ast.unparse(tree): ""}
    seen: Counter[str] = Counter()
    for change, text in _changed(tree, source.splitlines()):
        if text not in found and _compiles(text):
            seen[change] += 1
            found[text] = change if seen[change] == 1 else f"{change} ({seen[change]})"
    return tuple(
        Mutant(lesson=lesson, step=step, change=change, source=marked(step, f"{text}\n", lesson))
        for text, change in found.items()
        if change
    )


def _changed(tree: ast.Module, lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield changes, each with the text that it leads to."""
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    for slot in slots(function):
        for operator in OPERATORS:
            for nodes in list(operator(slot, function)):
                line = lines[getattr(slot.at, "lineno", 1) - 1].strip()
                if operator.__name__ == "swapped":
                    yield f"{_swap(slot)}, in `{line}`", _with_swap(tree, slot)
                else:
                    change = f"{_short([slot.node])} → {_short(nodes)}, in `{line}`"
                    with slot.holding(nodes):
                        yield change, ast.unparse(tree)


def _swap(slot: Slot) -> str:
    after = slot.siblings[(slot.index or 0) + 1]
    return f"{_short([slot.node])} ↔ {_short([after])}"


def _with_swap(tree: ast.Module, slot: Slot) -> str:
    """Return the text with a node and the next exchanged."""
    at, nodes = slot.index or 0, slot.siblings
    nodes[at], nodes[at + 1] = nodes[at + 1], nodes[at]
    try:
        return ast.unparse(tree)
    finally:
        nodes[at], nodes[at + 1] = nodes[at + 1], nodes[at]


def _short(nodes: Sequence[ast.AST]) -> str:
    text = " ".join(" ".join(map(ast.unparse, nodes)).split()) or "nothing"
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]}…{text[-SHOWN // 2 :]}"


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except SyntaxError:
        return False
    return True
