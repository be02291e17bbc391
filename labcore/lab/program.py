"""A program's text, and the functions that stand in it: found, replaced, put in order, taken out."""

import ast
from collections.abc import Mapping, Sequence

Functions = Mapping[str, tuple[int, int, str]]  # name -> first line, line after its last, text


def functions(text: str) -> Functions:
    """Return the functions on the top level of a program. Raises SyntaxError."""
    found = {}
    lines = text.splitlines(keepends=True)
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
            found[node.name] = (first, node.end_lineno or first, "".join(lines[first : node.end_lineno]))
    return found


def with_function(text: str, name: str, source: str, order: Sequence[str]) -> str:
    """Return the program with a function replaced where it stands, or put before those that follow it in `order`."""
    there = functions(text)
    lines = text.splitlines(keepends=True)
    source = source.rstrip() + "\n"
    if name in there:
        first, end, _ = there[name]
        return "".join([*lines[:first], source, *lines[end:]])
    later = [there[other][0] for other in order[order.index(name) + 1 :] if other in there]
    at = min(later, default=len(lines))
    before = "".join(lines[:at]).rstrip() + "\n\n\n"
    after = "".join(lines[at:])
    return before + source + ("\n\n" + after if after else "")


def without_functions(text: str, names: Sequence[str]) -> str:
    """Return the program without these functions."""
    there = functions(text)
    lines = text.splitlines(keepends=True)
    for first, end, _ in sorted((there[name] for name in names if name in there), reverse=True):
        lines[first:end] = []
        while first < len(lines) and not lines[first].strip():  # the empty lines behind it go with it
            del lines[first]
    return "".join(lines).rstrip() + "\n"
