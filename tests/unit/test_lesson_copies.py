"""Copies of the lessons: every blank is filled in, under the docstring that the reader has seen."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from labcore.lab.copies import with_solutions
from labcore.lab.lessons import LESSONS
from tests.conftest import PROJECT


def exercises(notebook: dict[str, Any]) -> list[ast.FunctionDef]:
    """Return the functions of a notebook's exercises."""
    sources = ("".join(cell["source"]) for cell in notebook["cells"] if "exercise" in cell["metadata"].get("tags", []))
    return [node for source in sources for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("folder", ["", "zh"])
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.slug)
def test_every_blank_is_filled_in(lesson: Any, folder: str) -> None:
    notebook = json.loads(Path(PROJECT, "notebooks", folder, lesson.file).read_text(encoding="utf-8"))
    blanks = exercises(notebook)
    with_solutions(notebook)
    filled = exercises(notebook)
    assert [ast.get_docstring(each) for each in filled] == [ast.get_docstring(each) for each in blanks]
    assert all(ast.unparse(each.body[-1]) != "..." for each in filled)
