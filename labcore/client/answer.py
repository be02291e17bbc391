"""Answers of the API as values: a JSON object whose fields are read, and checked, where they are looked at.

A list of two hundred containers is read for a few names of each, so nothing is decoded before somebody asks. What the API adds
later is in `json`, which has the whole object.
"""

from __future__ import annotations

from labcore.errors import LabcoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


class BadAnswer(LabcoreError):
    """What answered does not speak the Engine API, or not HTTP at all."""


class Field:
    """A field of an answer: its name in JSON, and what reads it; `default` is for one that is null or not there."""

    def __init__(self, name: str, read: Callable[[Any], Any], default: Any) -> None:
        self.name = name
        self._read = read
        self._default = default

    def __get__(self, answer: Answer | None, kind: type[Answer]) -> Any:
        if answer is None:
            return self
        value = answer.json.get(self.name)
        if value is None:
            return self._default
        try:
            return self._read(value)
        except (TypeError, ValueError, AttributeError):
            raise BadAnswer(f"{kind.__name__}.{self.name}: {value!r:.80} is not what the Engine API has there") from None


class Answer:
    """An object that the daemon has answered with; equal if the JSON is. It is not to be changed."""

    def __init__(self, json: Mapping[str, Any]) -> None:
        if not isinstance(json, dict):
            raise BadAnswer(f"{type(self).__name__}: {json!r:.80} is no object of JSON")
        self.json = json

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Answer) and type(self) is type(other) and self.json == other.json

    def __hash__(self) -> int:
        return hash((type(self), str(self.json)))

    def __repr__(self) -> str:
        fields = [name for kind in reversed(type(self).__mro__) for name, each in vars(kind).items() if isinstance(each, Field)]
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in fields)})"


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError
        return value

    return read


_read_text = _exactly(str)


def text(name: str) -> Any:
    """Return a field that is a string, empty if it is not there."""
    return Field(name, _read_text, "")


def number(name: str) -> Any:
    """Return a field that is a whole number, 0 if it is not there."""
    return Field(name, _exactly(int), 0)


def flag(name: str) -> Any:
    """Return a field that is true or false, and false if it is not there."""
    return Field(name, _exactly(bool), False)


def texts(name: str) -> Any:
    """Return a field that is a list of strings."""
    return Field(name, lambda value: tuple(_read_text(each) for each in _exactly(list)(value)), ())


def mapping(name: str) -> Any:
    """Return a field that is an object of any values, by name."""
    return Field(name, _exactly(dict), {})


def record(name: str, kind: type[Answer]) -> Any:
    """Return a field that is an object of its own kind; an empty one if it is not there."""
    return Field(name, kind, kind({}))


def optional(name: str, kind: type[Answer]) -> Any:
    """Return a field that is an object of its own kind, or None."""
    return Field(name, kind, None)


def records(name: str, kind: type[Answer]) -> Any:
    """Return a field that is a list of objects of one kind."""
    return Field(name, lambda value: tuple(kind(each) for each in _exactly(list)(value)), ())


def records_by_name(name: str, kind: type[Answer]) -> Any:
    """Return a field that is an object of objects of one kind, by name."""
    return Field(name, lambda value: {key: kind(each or {}) for key, each in value.items()}, {})
