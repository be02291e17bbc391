"""JSON nodes: values of a document that somebody else wrote, asked for by type; errors name their path."""

from __future__ import annotations

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeVar

    T = TypeVar("T")

    from typing import Any

WORDS = {str: "a string", int: "an integer", bool: "true or false", list: "a list", dict: "an object"}

MOST_SHOWN = 400  # letters


def shortened(text: str) -> str:
    """Return a message with no more than the beginning of what somebody else has put into it."""
    return text if len(text) < MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


class ConfigError(InvalidInput):
    """Something in config.json cannot be: the message begins with its path."""


class Node:
    """A value in a JSON document, with its path. One that is missing has the value None."""

    def __init__(self, value: Any, path: str = "") -> None:
        self.value = value
        self.path = path

    def __getitem__(self, name: str) -> Node:
        """Return a member of an object; a missing object has no members."""
        path = f"{self.path}.{name}" if self.path else name
        if self.value is None:
            return Node(None, path)
        return Node(self._typed(dict).get(name), path)

    def __bool__(self) -> bool:
        return self.value is not None

    def fail(self, problem: str) -> ConfigError:
        """Return the error that says what is wrong with this value."""
        return ConfigError(shortened(f"{self.path or 'config.json'}: {problem}"))

    def _typed(self, kind: type[T]) -> T:
        if not isinstance(self.value, kind) or (kind is int and isinstance(self.value, bool)):
            raise self.fail(f"must be {WORDS[kind]}, and is {self.value!r}")
        return self.value

    def text(self, default: str = "") -> str:
        """Return a string that the kernel can be given: without NUL bytes, and Unicode."""
        if self.value is None:
            return default
        text = self._typed(str)
        if "\0" in text:
            raise self.fail("contains a NUL byte")
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise self.fail("contains half of a character: a surrogate without its partner")
        return text

    def required_text(self) -> str:
        """Return a string that must be there and must not be empty."""
        if not self.value:
            raise self.fail("is missing")
        return self.text()

    def absolute_path(self) -> str:
        """Return an absolute path that must be there."""
        path = self.required_text()
        if not path.startswith("/"):
            raise self.fail(f"must be an absolute path, and is {path!r}")
        return path

    def number(self, default: int, least: int = -(1 << 63), most: int = (1 << 63) - 1) -> int:
        """Return an integer in a range: by default Go's int64."""
        number = default if self.value is None else self._typed(int)
        if not least <= number <= most:
            raise self.fail(f"must be from {least} to {most}, and is {number}")
        return number

    def optional_number(self, least: int = -(1 << 63), most: int = (1 << 63) - 1) -> int | None:
        """Return an integer in a range, or None."""
        return None if self.value is None else self.number(0, least, most)

    def unsigned(self, default: int, bits: int = 32) -> int:
        """Return an integer that is not negative and fits so many bits."""
        return self.number(default, 0, (1 << bits) - 1)

    def optional_unsigned(self, bits: int = 32) -> int | None:
        """Return the same, or None."""
        return None if self.value is None else self.unsigned(0, bits)

    def identity(self, default: int = 0) -> int:
        """Return the number of a user or group: all 32 bits set are none, setresuid(2) leaves things as they are then."""
        return self.number(default, 0, (1 << 32) - 2)

    def flag(self, default: bool = False) -> bool:
        """Return true or false."""
        return default if self.value is None else self._typed(bool)

    def items(self) -> Iterator[Node]:
        """Yield the members of a list, of which none is null."""
        if self.value is not None:
            for index, value in enumerate(self._typed(list)):
                node = Node(value, f"{self.path}[{index}]")
                if value is None:
                    raise node.fail("is missing")
                yield node

    def texts(self) -> tuple[str, ...]:
        """Return a list of strings."""
        return tuple(item.text() for item in self.items())

    def members(self) -> Iterator[tuple[str, Node]]:
        """Yield an object's members by name."""
        if self.value is not None:
            for name, value in self._typed(dict).items():
                yield name, Node(value, f"{self.path}.{name}" if self.path else name)
