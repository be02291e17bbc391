"""Names of a lesson: where a name that a cell needs comes from, for a kernel that was restarted in the middle."""

import ast
import builtins
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from labcore.lab.copies import LESSONS_HERE
from labcore.lab.lessons import LESSONS, all_steps, current
from labcore.lab.messages import say
from labcore.lab.workspace import default_workspace


def cure(name: str | None) -> str:
    """Return one line that says which cell brings a name; empty for a name that no lesson knows."""
    vocabulary = import_module("labcore.lab.vocabulary")  # when it is wanted: the kernel starts without
    if name in vocabulary.__all__ or name in all_steps():
        return say("{name} comes with the lesson's first cell (lab.begin): run that, then this one again.", name=name)
    for path in _notebooks():
        for statement in _statements(path):
            if name in _bound(statement):
                text = ast.unparse(statement).partition("\n")[0]
                shown = text if len(text) < 60 else f"{text[:59]}…"
                return say("{name} is made by an earlier cell, `{text}`: run that, then this one again.", name=name, text=shown)
    return ""


def missing(cell: str, known: Mapping[str, Any]) -> list[str]:
    """Return the names that a cell reads and nobody defines, in order; none for a cell that does not parse."""
    with suppress(SyntaxError, ValueError):
        nodes = list(ast.walk(ast.parse(cell)))
        read = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
        own = {name for node in nodes for name in _bound(node)} | {node.arg for node in nodes if isinstance(node, ast.arg)}
        return [name for name in dict.fromkeys(read) if not (name in known or name in own or hasattr(builtins, name))]
    return []


def _notebooks() -> Iterator[Path]:
    """Yield the notebook of the lesson that was begun, or if none was, those of all: the learner's copies or the originals."""
    for lesson in LESSONS:
        if current() in (None, lesson.number):
            copies = (folder / lesson.file for folder in (default_workspace().directory, LESSONS_HERE))
            yield from [path for path in copies if path.is_file()][:1]


def _statements(path: Path) -> Iterator[ast.stmt]:
    with suppress(OSError, ValueError, KeyError, TypeError):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            with suppress(SyntaxError):
                if cell["cell_type"] == "code":
                    yield from ast.parse("".join(cell["source"])).body


def _bound(node: ast.AST) -> set[str]:
    """Return the names that a node binds; of a statement also those within it, outside of functions."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    inner = ast.walk(node)
    return {each.id for each in inner if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
