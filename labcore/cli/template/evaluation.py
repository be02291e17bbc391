"""Evaluation: a parsed template for a value. Steps, output and depth have bounds, so no template goes on for ever."""

from __future__ import annotations

from labcore.cli.template.errors import TemplateError, error_at, one_of
from labcore.cli.template.functions import FUNCTIONS, OF_HEADS, TEXT_MAX
from labcore.cli.template.nodes import (
    Branch,
    Command,
    Dot,
    Field,
    Function,
    Leave,
    Literal,
    Node,
    Output,
    Pipeline,
    Text,
    Variable,
)
from labcore.cli.template.parser import Parser
from labcore.cli.template.values import NO_VALUE, Struct, is_true, kind_of, printed
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Final

STEPS_MAX: Final = 200_000  # nodes that are evaluated for one value: about a second
STEP_SIZE: Final = 64  # characters that are a step's work
NOTHING: Final = object()  # no value comes through the pipe


def parse(source: str) -> Template:
    """Return a template. Raises TemplateError, which names the column."""
    return Template(source)


class Template:
    """A template that has been parsed."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._nodes = Parser(source).nodes()

    def render(self, value: Any) -> str:
        """Return the output for a value. Raises TemplateError."""
        return Execution(self.source, value).output_of(self._nodes)

    def heads(self, heads: dict[str, Any]) -> str:
        """Return the line of a table's heads: fields are the heads of their columns, and functions leave them as they are."""
        return Execution(self.source, heads, heads_only=True).output_of(self._nodes)


class _Left(Exception):
    """A range's body is left: by `break` or `continue`."""

    def __init__(self, kind: str) -> None:
        self.kind = kind


class Execution:
    """One rendering: its variables, its output, and how far it has come."""

    def __init__(self, source: str, value: Any, *, heads_only: bool = False) -> None:
        self._source = source
        self._variables: list[tuple[str, Any]] = [("$", value)]
        self._heads_only = heads_only
        self._output: list[str] = []
        self._size = 0
        self._steps = 0

    def output_of(self, nodes: tuple[Node, ...]) -> str:
        """Return what the nodes put out."""
        self._walk_all(nodes, self._variables[0][1])
        return "".join(self._output)

    def _walk_all(self, nodes: tuple[Node, ...], dot: Any) -> None:
        for node in nodes:
            self._walk(node, dot)

    def _walk(self, node: Node, dot: Any) -> None:
        self._step(node)
        if isinstance(node, Text):
            self._put(node, node.text)
        elif isinstance(node, Output):
            value = self._pipeline(node.pipeline, dot)
            if not node.pipeline.names:
                self._put(node, printed(value))
        elif isinstance(node, Branch):
            known = len(self._variables)
            self._branch(node, dot)
            del self._variables[known:]
        elif isinstance(node, Leave):
            raise _Left(node.kind)

    def _put(self, node: Node, text: str) -> None:
        self._size += len(text)
        if self._size > TEXT_MAX:
            raise self._error(node, f"the output has more than {TEXT_MAX} characters")
        self._output.append(text)

    def _step(self, node: Node, count: int = 1) -> None:
        self._steps += count
        if self._steps > STEPS_MAX:
            raise self._error(node, f"it takes more than {STEPS_MAX} steps: it does not end, or not soon")

    def _branch(self, node: Branch, dot: Any) -> None:
        value = self._pipeline(node.pipeline, dot)
        if node.kind == "range":
            self._range(node, value, dot)
        elif is_true(value):
            self._walk_all(node.body, value if node.kind == "with" else dot)
        else:
            self._walk_all(node.otherwise, dot)

    def _range(self, node: Branch, value: Any, dot: Any) -> None:
        names, empty = node.pipeline.names, True
        known = len(self._variables)
        for key, element in self._elements(node, value):
            self._step(node)
            empty = False
            if len(names) == 2:
                self._bind(node.pipeline, (key, element))
            elif names:
                self._bind(node.pipeline, (element,))
            try:
                self._walk_all(node.body, element)
            except _Left as left:
                if left.kind == "break":
                    break
            finally:
                del self._variables[known:]
        if empty:
            self._walk_all(node.otherwise, dot)

    def _elements(self, node: Branch, value: Any) -> Iterable[tuple[Any, Any]]:
        if isinstance(value, list):
            return enumerate(value)
        if isinstance(value, dict):
            plain = value.plain() if isinstance(value, Struct) else value
            return [(name, plain[name]) for name in sorted(plain)]
        if value is None or value is NO_VALUE:
            return ()
        if isinstance(value, int) and not isinstance(value, bool):
            return ((number, number) for number in range(value))
        raise self._error(node.pipeline, f"range cannot go through {kind_of(value)} {printed(value):.40}")

    def _bind(self, pipeline: Pipeline, values: Iterable[Any]) -> None:
        for name, value in zip(pipeline.names, values, strict=True):
            if not pipeline.assigns:
                self._variables.append((name, value))
                continue
            place = max(place for place, (known, _) in enumerate(self._variables) if known == name)
            self._variables[place] = (name, value)

    def _pipeline(self, node: Pipeline, dot: Any) -> Any:
        value: Any = NOTHING
        for command in node.commands:
            value = self._command(command, dot, value)
        if node.names and not node.of_range:
            self._bind(node, (value,))
        return value

    def _command(self, node: Command, dot: Any, piped: Any) -> Any:
        """Return the value of a command, whose last argument is what is piped to it."""
        self._step(node)
        first, *rest = node.words
        if isinstance(first, Function):
            return self._call(first, self._arguments(rest, dot, piped))
        if isinstance(first, Field):
            arguments = list(self._arguments(rest, dot, piped))
            return self._field(first, self._value(first.of, dot), arguments)
        if rest or piped is not NOTHING:
            raise self._error(first, "only a function or a method takes arguments")
        return self._value(first, dot)

    def _arguments(self, words: list[Node], dot: Any, piped: Any) -> Iterator[Any]:
        """Yield arguments as they are asked for: `and` and `or` ask for no more than they need."""
        for word in words:
            yield self._value(word, dot)
        if piped is not NOTHING:
            yield piped

    def _value(self, node: Node, dot: Any) -> Any:
        self._step(node)
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, Dot):
            return dot
        if isinstance(node, Variable):
            return next(value for name, value in reversed(self._variables) if name == node.name)
        if isinstance(node, Field):
            return self._field(node, self._value(node.of, dot), [])
        if isinstance(node, Function):
            return self._call(node, iter(()))
        assert isinstance(node, Pipeline)
        return self._pipeline(node, dot)

    def _field(self, node: Field, value: Any, arguments: list[Any]) -> Any:
        if value is NO_VALUE:
            return NO_VALUE
        if not isinstance(value, dict):
            raise self._error(node, f"{_path(node)}: {kind_of(value)} has no field {node.name:.40}")
        try:
            found = value[node.name]
        except KeyError:
            if not isinstance(value, Struct):
                return NO_VALUE
            raise self._error(node, f"{_path(node)}: there is no field {node.name:.40}", one_of(node.name, value)) from None
        if callable(found):
            return self._called(node, found, arguments)
        if arguments:
            raise self._error(node, f"{_path(node)} takes no argument")
        return found

    def _called(self, node: Field, method: Any, arguments: list[Any]) -> Any:
        try:
            return method(*arguments)
        except TypeError:
            raise self._error(node, f"{_path(node)} takes other arguments than these {len(arguments)}") from None

    def _call(self, node: Function, arguments: Iterator[Any]) -> Any:
        function, least, most = FUNCTIONS[node.name]
        if node.name in ("and", "or"):
            arguments = _needed(arguments, wanted=node.name == "or")
        given = list(arguments)
        if not least <= len(given) <= most:
            wanted = str(least) if least == most else f"{least} or more" if most == 255 else f"{least} to {most}"
            raise self._error(node, f"{node.name} takes {wanted} argument{'s' if wanted != '1' else ''}, not {len(given)}")
        if self._heads_only and node.name in OF_HEADS:
            return given[0]
        try:
            found = function(*given)
        except InvalidInput as error:
            raise self._error(node, f"{node.name}: {error}") from None
        sizes = [len(value) for value in (found, *given) if isinstance(value, str | list)]
        self._step(node, sum(sizes) // STEP_SIZE)
        if isinstance(found, str) and len(found) > TEXT_MAX:
            raise self._error(node, f"{node.name}: the text has more than {TEXT_MAX} characters")
        return found

    def _error(self, node: Node, message: str, cure: str = "") -> TemplateError:
        return error_at(self._source, node.place, message, cure)


def _needed(arguments: Iterator[Any], *, wanted: bool) -> Iterator[Any]:
    """Yield arguments up to the first that decides it."""
    for value in arguments:
        yield value
        if is_true(value) is wanted:
            return


def _path(node: Node) -> str:
    """Return a field as it is written: `.A.B`."""
    if isinstance(node, Field):
        of = _path(node.of)
        return f"{of}.{node.name}" if of != "." else f".{node.name}"
    return node.name if isinstance(node, Variable) else "." if isinstance(node, Dot) else "(…)"
