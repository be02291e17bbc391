"""Outlines: trees as indented lines, with a bound on their number."""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, Protocol, Self, TypeVar


class Node(Protocol):
    """What a tree is made of."""

    @property
    def children(self) -> Sequence[Self]:
        """Return the nodes below it."""


T = TypeVar("T", bound=Node)


class Row(NamedTuple, Generic[T]):
    """A line: a node, or as many nodes as are left out there."""

    depth: int
    node: T | None
    hidden: int = 0


def outline(roots: Sequence[T], most: int, matters: Callable[[T], bool]) -> list[Row[T]]:
    """Return trees as at most `most` rows.

    Where they are more, long lists of siblings are cut to one length, the greatest that fits; those that matter, or hold
    one that does, stay longest. A tree that is too deep even so is cut at its end.
    """
    widest = max((len(node.children) for node in walk(roots)), default=0)
    rows: list[Row[T]] = []
    for keep in range(min(most, max(widest, len(roots))), 0, -1):
        rows = list(_rows(roots, 0, keep, matters))
        if len(rows) <= most:
            return rows
    left_out = sum(row.hidden or 1 for row in rows[most - 1 :])
    return [*rows[: most - 1], Row(0, None, left_out)]


def walk(nodes: Sequence[T]) -> Iterator[T]:
    """Yield all nodes, each before its children."""
    for node in nodes:
        yield node
        yield from walk(node.children)


def _rows(nodes: Sequence[T], depth: int, keep: int, matters: Callable[[T], bool]) -> Iterator[Row[T]]:
    shown = _choose(nodes, keep, matters)
    for index in shown:
        yield Row(depth, nodes[index])
        yield from _rows(nodes[index].children, depth + 1, keep, matters)
    if len(shown) < len(nodes):
        hidden = [node for index, node in enumerate(nodes) if index not in shown]
        yield Row(depth, None, sum(1 for _ in walk(hidden)))


def _choose(nodes: Sequence[T], keep: int, matters: Callable[[T], bool]) -> list[int]:
    """Return which of these siblings to show: all, if only one would be left out, for that row can as well show it."""
    if len(nodes) <= keep + 1 and sum(1 for _ in walk(nodes[keep:])) <= 1:
        return list(range(len(nodes)))
    by_weight = sorted(range(len(nodes)), key=lambda index: not any(map(matters, walk([nodes[index]]))))
    return sorted(by_weight[:keep])
