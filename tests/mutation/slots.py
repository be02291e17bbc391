"""Slots of a syntax tree: the places at which a node stands, and can be exchanged for another or left out."""

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from labcore.record import Record

UNTOUCHED: Final = (ast.expr_context, ast.arguments, ast.arg, ast.alias)  # of no consequence, or changed through their parts


class Slot(Record):
    """A node's place: a field of its parent, and in a list its index. `at` is the statement or element that it belongs to."""

    parent: ast.AST
    field: str
    index: int | None
    at: ast.AST

    @property
    def node(self) -> Any:
        """The node that stands there."""
        held = getattr(self.parent, self.field)
        return held if self.index is None else held[self.index]

    @property
    def siblings(self) -> list[Any]:
        """The list in which it stands; empty if there is none."""
        return [] if self.index is None else getattr(self.parent, self.field)

    @contextmanager
    def holding(self, nodes: Sequence[ast.AST]) -> Iterator[None]:
        """Put nodes in its place (none: it is left out) until the block ends."""
        held = getattr(self.parent, self.field)
        if self.index is None:
            changed: Any = nodes[0]
        else:
            changed = [*held[: self.index], *nodes, *held[self.index + 1 :]]
            if not changed and self.field == "body":
                changed = [ast.Pass()]
        setattr(self.parent, self.field, changed)
        try:
            yield
        finally:
            setattr(self.parent, self.field, held)


def slots(tree: ast.AST, at: ast.AST | None = None) -> Iterator[Slot]:
    """Yield all slots below a node, in the order of the text."""
    for field, value in ast.iter_fields(tree):
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.AST) and not _is_docstring(tree, field, index, node):
                where = node if isinstance(node, ast.stmt) or at is None or _stands_alone(node, at) else at
                if not isinstance(node, UNTOUCHED):
                    yield Slot(tree, field, index, where)
                yield from slots(node, where)


def _stands_alone(node: ast.AST, at: ast.AST) -> bool:
    """Return whether an element of a list has a line of its own, as ops have."""
    line = getattr(node, "lineno", None)
    return isinstance(node, ast.expr) and line is not None and line != getattr(at, "lineno", None)


def _is_docstring(parent: ast.AST, field: str, index: int | None, node: ast.AST) -> bool:
    if not isinstance(parent, ast.FunctionDef) or field != "body" or index != 0:
        return False
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
