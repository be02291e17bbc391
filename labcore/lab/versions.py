"""A step that a later lesson writes anew: in `my_runtime.py` its first line ends in `# lesson 3`, so that one can tell."""

import ast
import re
from collections.abc import Mapping

from labcore.lab.lessons import lesson_of, lessons_of
from labcore.lab.program import lines_of

MARK = re.compile(r"#\s*lesson (\d+)\s*$")


def marked(step: str, source: str, number: int) -> str:
    """Return a step's text with the mark of the lesson in which it is written; the first one needs none."""
    lines = lines_of(source)
    at = _definition(source)
    bare = MARK.sub("", lines[at].rstrip("\n")).rstrip()
    more = "" if number == lessons_of(step)[0].number else f"  # lesson {number}"
    text = "".join([*lines[:at], f"{bare}{more}\n", *lines[at + 1 :]])
    return text if _same(text, source) else source


def version(step: str, source: str) -> int:
    """Return in which lesson a step's text was written."""
    found = MARK.search(lines_of(source)[_definition(source)].rstrip("\n"))
    return int(found[1]) if found else lessons_of(step)[0].number


def outdated(steps: Mapping[str, str], at: int | None) -> list[str]:
    """Return which of these steps, each with its text, were written before the version that counts in lesson `at`."""
    return [name for name, text in steps.items() if version(name, text) < lesson_of(name, at).number]


def _definition(source: str) -> int:
    """Return the index of the line that begins with `def`."""
    return ast.parse(source).body[0].lineno - 1


def _same(text: str, source: str) -> bool:
    """Return whether two texts are the same to Python: a definition's first line may end inside of a string."""
    try:
        return ast.dump(ast.parse(text)) == ast.dump(ast.parse(source))
    except SyntaxError:
        return False
