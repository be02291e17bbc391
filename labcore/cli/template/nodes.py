"""Nodes of a parsed template (text/template/parse); `place` is where one begins in the text."""

from __future__ import annotations

from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Node(Record):
    """A part of a template."""

    place: int


class Text(Node):
    """Text that is put out as it is."""

    text: str


class Literal(Node):
    """A constant."""

    value: Any


class Dot(Node):
    """The value at hand."""


class Variable(Node):
    """A variable, with its `$`."""

    name: str


class Function(Node):
    """A function's name."""

    name: str


class Field(Node):
    """A field of a value: `.A.B` is the field B of the field A of dot."""

    of: Node
    name: str


class Command(Node):
    """A value, or a function or a method with its arguments."""

    words: tuple[Node, ...]


class Pipeline(Node):
    """Commands, each of which has the value of the one before as its last argument; what its value is called from then on."""

    commands: tuple[Command, ...]
    names: tuple[str, ...] = ()
    assigns: bool = False  # `=`: to variables that there are
    of_range: bool = False  # whose names are those of elements


class Output(Node):
    """A pipeline whose value is put out."""

    pipeline: Pipeline


class Branch(Node):
    """`if`, `with` or `range`: what is done with the value, and what is done without one."""

    kind: str
    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]


class Leave(Node):
    """`break` or `continue`."""

    kind: str
