"""Source of `my_runtime.py`: its functions are found, replaced, ordered and removed, and marked with their lesson.

A step that a later lesson writes anew has a mark at the end of its first line: `# lesson 3`.
"""

import ast
import re
from collections.abc import Mapping, Sequence

from labcore.lab.lessons import lesson_of, lessons_of

MARK = re.compile(r"#\s*lesson (\d+)\s*$")
Functions = Mapping[str, tuple[int, int, str]]  # name -> first line, line after its last, text


def lines_of(text: str) -> list[str]:
    """Return a program's lines, each with its end, as Python's parser counts them: `splitlines` knows more line ends."""
    return re.split(r"(?<=\n)", text)


def functions(text: str) -> Functions:
    """Return the functions on the top level of a program; of two with one name the last, which counts. Raises SyntaxError."""
    found = {}
    lines = lines_of(text)
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
            found[node.name] = (first, node.end_lineno or first, "".join(lines[first : node.end_lineno]))
    return found


def with_function(text: str, name: str, source: str, order: Sequence[str]) -> str:
    """Return the program with a function replaced where it stands, or put before those that follow it in `order`."""
    there = functions(text)
    lines = lines_of(text)
    source = source.rstrip() + "\n"
    if name in there:
        first, end, _ = there[name]
        return "".join([*lines[:first], source, *lines[end:]])
    later = [there[other][0] for other in order[order.index(name) + 1 :] if other in there]
    at = min(later, default=_ending(text))
    before = "".join(lines[:at]).rstrip() + "\n\n\n"
    after = "".join(lines[at:])
    return before + source + ("\n\n" + after if after else "")


def with_ending(text: str, ending: str) -> str:
    """Return the program with what it does when it is run by itself, unless it has something of that kind."""
    return text if _ending(text) < len(lines_of(text)) else f"{text.rstrip()}\n\n\n{ending}"


def _ending(text: str) -> int:
    """Return the line at which `if __name__ == …` stands; that after the last if there is none."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.If) and any(isinstance(n, ast.Name) and n.id == "__name__" for n in ast.walk(node.test)):
            return node.lineno - 1
    return len(lines_of(text))


def without_functions(text: str, names: Sequence[str]) -> str:
    """Return the program without these functions."""
    while found := [place for name, place in functions(text).items() if name in names]:  # a name may stand there twice
        lines = lines_of(text)
        for first, end, _ in sorted(found, reverse=True):
            lines[first:end] = []
            while first < len(lines) and lines[first] and not lines[first].strip():  # the empty lines behind it go with it
                del lines[first]
        text = "".join(lines).rstrip() + "\n"
    return text


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
