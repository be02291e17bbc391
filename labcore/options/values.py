"""Readers of the plain forms that options come in: texts, numbers, sizes, truths, lists, pairs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from re import Match
    from typing import TypeVar

    T = TypeVar("T")

    from typing import Any, Final, Never

UNITS: Final = {unit: 1 << 10 * power for power, unit in enumerate(("", "k", "m", "g", "t", "p"))}
TRUE: Final = ("1", "t", "true")  # what Go's strconv.ParseBool takes, in three spellings each
FALSE: Final = ("0", "f", "false")
INT64_MAX: Final = (1 << 63) - 1


def fullmatch(pattern: str, value: str) -> Match[str] | None:
    """Return how a value matches a pattern of ASCII. Few options have one, and `re` takes 4 ms to import."""
    import re

    return re.fullmatch(pattern, value, re.ASCII)


def refuse(name: str, value: object, wanted: str) -> Never:
    """Raise InvalidInput: this value is none of what is wanted."""
    shown = repr(value)
    raise InvalidInput(f"{name} {shown if len(shown) < 200 else shown[:200] + '…'}: {wanted}")


def text(name: str, value: Any) -> str:
    """Read a text, or a path."""
    found = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(found, str):
        refuse(name, value, "a text is wanted")
    if "\0" in found:
        refuse(name, value, "it contains a NUL byte, and no argument, variable or path can")
    return found


def text_or_number(name: str, value: Any) -> str:
    """Read a text, or a number that stands for one."""
    return text(name, str(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def flag(name: str, value: Any) -> bool:
    """Read a truth: one, or a word for it."""
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else value
    if word in TRUE or word in FALSE:
        return word in TRUE
    refuse(name, value, "it is true or false")


def number(name: str, value: Any, least: int = 0, most: int = INT64_MAX) -> int:
    """Read a whole number."""
    digits = "" if isinstance(value, bool) or not isinstance(value, int | str) else str(value)
    if fullmatch(r"-?[0-9]{1,19}", digits) and least <= int(digits) <= most:
        return int(digits)
    refuse(name, value, f"a whole number is wanted, from {least} to {most}")


def size(name: str, value: Any) -> int:
    """Read a number of bytes, or one with a unit: `64m`, `1.5g`, `512 KiB`; the units are powers of 1024."""
    if isinstance(value, int) and not isinstance(value, bool):
        return number(name, value)
    match = fullmatch(r"([0-9]{1,19}(?:\.[0-9]{1,9})?) ?([kmgtp]?)(?:(?<=[kmgtp])i?b|b)?", str(value).lower())
    if isinstance(value, str) and match:
        whole, _, fraction = match[1].partition(".")
        unit = UNITS[match[2]]
        found: int = int(whole) * unit + int(fraction or "0") * unit // 10 ** len(fraction)
        if found <= INT64_MAX:
            return found
    refuse(name, value, "a size is wanted: a number of bytes, or one with b, k, m or g behind it, such as 64m")


def size_or_unlimited(name: str, value: Any) -> int:
    """Read a size, or -1 for no limit."""
    return -1 if value in (-1, "-1") else size(name, value)


def words(name: str, value: Any) -> tuple[str, ...]:
    """Read a list of texts, or of numbers that stand for such."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        refuse(name, value, f"a list is wanted: [{value!r}]")
    return tuple(text_or_number(name, each) for each in value)


def word(name: str, value: Any) -> str:
    """Read a text without white space."""
    found = text(name, value)
    if found.split() != [found]:
        refuse(name, value, "one word is wanted, without white space")
    return found


def each(read: Callable[[str, str], T]) -> Callable[[str, Any], tuple[T, ...]]:
    """Return the reader of a list whose entries one reader reads; entries that are no texts are values already."""

    def read_all(name: str, value: Any) -> tuple[T, ...]:
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            refuse(name, value, f"a list is wanted: [{value!r}]")
        return tuple(read(name, entry) if isinstance(entry, str) else entry for entry in value)

    return read_all


def pairs(name: str, value: Any) -> tuple[tuple[str, str], ...]:
    """Read names with values: a mapping, pairs, or `NAME=VALUE` strings, of which `NAME` alone has an empty value."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        refuse(name, value, "a mapping is wanted, or a list of NAME=VALUE")
    entries = value.items() if isinstance(value, Mapping) else (_pair(name, entry) for entry in value)
    found = {}
    for key, content in entries:
        if not isinstance(key, str) or not key.strip():
            refuse(name, key, "NAME=VALUE is wanted")
        found[key] = text_or_number(name, content)
    return tuple(found.items())


def _pair(name: str, entry: Any) -> tuple[str, Any]:
    if isinstance(entry, tuple) and len(entry) == 2:
        return entry
    key, _, content = text(name, entry).partition("=")
    return key, content


def variables(name: str, value: Any) -> tuple[tuple[str, str | None], ...]:
    """Read environment variables: a mapping, in which None takes the image's away, pairs, or `NAME=value` strings."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        refuse(name, value, "a mapping is wanted, or a list of NAME=value")
    entries = value.items() if isinstance(value, Mapping) else (_variable(entry) for entry in value)
    found: dict[str, str | None] = {}
    for key, content in entries:
        if not isinstance(key, str) or not key or "=" in key or "\0" in key:
            raise InvalidInput(f"environment: {key!r} is no variable's name")
        found[key] = None if content is None else text_or_number(f"environment: {key}", content)
    return tuple(found.items())


def _variable(entry: Any) -> tuple[Any, Any]:
    if isinstance(entry, tuple) and len(entry) == 2:
        return entry
    key, equals, content = str(entry).partition("=")
    if not equals or not key:
        raise InvalidInput(f"environment: {entry!r} is not NAME=value: write NAME= for an empty value")
    return key, content
