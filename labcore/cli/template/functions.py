"""Functions of templates: text/template's own, and docker's (json, split, join, title, lower, upper, pad, truncate)."""

from __future__ import annotations

from labcore.cli.template.printf import printf
from labcore.cli.template.values import NO_VALUE, Row, html_safe, is_true, json_text, kind_of, printed
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

TEXT_MAX: Final = 16 << 20  # characters of one value
COMPARABLE: Final = ("bool", "int", "float64", "string")
ORDERED: Final = COMPARABLE[1:]
BROWSER: Final = "for terminals nothing is to be escaped: print it, or `json`"
ABSENT: Final = {"html": BROWSER, "js": BROWSER, "urlquery": BROWSER, "call": "values here have methods, and no functions"}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"a string is wanted, not {kind_of(value)} {printed(value):.40}")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput(f"a whole number is wanted, not {kind_of(value)} {printed(value):.40}")
    return value


def _first(*values: Any) -> Any:
    """Return the first that is not true, or the last (`and`): used for what has been evaluated."""
    return next((value for value in values if not is_true(value)), values[-1])


def _any(*values: Any) -> Any:
    return next((value for value in values if is_true(value)), values[-1])


def _len(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode(errors="surrogateescape"))
    if isinstance(value, list | dict):
        return len(value)
    raise InvalidInput(f"{kind_of(value)} has no length")


def _index(value: Any, *keys: Any) -> Any:
    """Return the element of an element; for a key that a map has not, an empty string if all of its values are strings."""
    for key in keys:
        if isinstance(value, dict):
            value = _entry(value, _text(key))
        elif isinstance(value, list | str):
            sequence: Any = value.encode() if isinstance(value, str) else value
            if not 0 <= _whole(key) < len(sequence):
                raise InvalidInput(f"index out of range: {key}")
            value = sequence[key]
        else:
            raise InvalidInput(f"{kind_of(value)} has no elements: it cannot be indexed")
    return value


def _entry(value: dict[str, Any], key: str) -> Any:
    if key in value:
        found = value[key]
        return found() if callable(found) else found
    of_texts = value and all(isinstance(each, str) for each in value.values())
    return "" if of_texts else NO_VALUE


def _slice(value: Any, *bounds: Any) -> Any:
    if not isinstance(value, str | list):
        raise InvalidInput(f"{kind_of(value)} cannot be sliced")
    if len(bounds) > (2 if isinstance(value, str) else 3):
        raise InvalidInput("too many bounds")
    sequence: Any = value.encode() if isinstance(value, str) else value
    begin, end, *_ = [*map(_whole, bounds), *(0, len(sequence))[len(bounds) :]]
    if not 0 <= begin <= end <= len(sequence):
        raise InvalidInput(f"bounds out of range: {begin}:{end} of {len(sequence)}")
    part = sequence[begin:end]
    return part.decode(errors="replace") if isinstance(value, str) else part


def _check_comparable(kinds: tuple[str, ...], *values: Any) -> None:
    for value in values:
        if kind_of(value) not in kinds:
            raise InvalidInput(f"{kind_of(value)} cannot be compared so")
    if len({kind_of(value) for value in values}) > 1:
        raise InvalidInput(f"incompatible types for comparison: {' and '.join(kind_of(value) for value in values)}")


def _equal(first: Any, *others: Any) -> bool:
    if not others:
        raise InvalidInput("a second value to compare is missing")
    return any(_same(first, other) for other in others)


def _same(one: Any, other: Any) -> bool:
    empty = (None, NO_VALUE)
    if one in empty or other in empty:
        return one in empty and other in empty
    _check_comparable(COMPARABLE, one, other)
    return bool(one == other)


def _less(one: Any, other: Any) -> bool:
    _check_comparable(ORDERED, one, other)
    return bool(one < other)


def _less_or_equal(one: Any, other: Any) -> bool:
    return _less(one, other) or _same(one, other)


def _print(*values: Any) -> str:
    """Return values one after another, with a space between two of which none is a string (fmt.Sprint)."""
    parts, before = list[str](), ""
    for value in values:
        is_apart = parts and not isinstance(before, str) and not isinstance(value, str)
        parts.append((" " if is_apart else "") + printed(value, nested=True))
        before = value
    return "".join(parts)


def _println(*values: Any) -> str:
    return " ".join(printed(value, nested=True) for value in values) + "\n"


def _split(text: Any, separator: Any) -> list[str]:
    return _text(text).split(_text(separator)) if _text(separator) else list(_text(text))


def _join(values: Any, separator: Any) -> str:
    if not isinstance(values, list):
        raise InvalidInput(f"a list is wanted, not {kind_of(values)}")
    between, texts = _text(separator), [printed(each) for each in values]
    if sum(map(len, texts)) + len(between) * len(texts) > TEXT_MAX:
        raise InvalidInput(f"the text would have more than {TEXT_MAX} characters")
    return between.join(texts)


def _title(text: Any) -> str:
    letters, before = list[str](), " "
    for letter in _text(text):
        letters.append(letter if before.isalnum() or before in ("_", "'") else letter.title())
        before = letter
    return "".join(letters)


def _pad(value: Any, before: Any, behind: Any) -> str:
    text: str = _text(value)
    if not text:
        return ""
    if not 0 <= _whole(before) <= TEXT_MAX or not 0 <= _whole(behind) <= TEXT_MAX:
        raise InvalidInput(f"0 to {TEXT_MAX} spaces are wanted")
    return f"{' ' * before}{text}{' ' * behind}"


def _truncate(text: Any, length: Any) -> str:
    shown: str = _text(text)[: max(_whole(length), 0)]
    return shown


def _json(value: Any) -> str:
    text = json_text(value)
    return html_safe(text) if isinstance(value, Row) else text


# name -> what it does; how many arguments it takes, at least and at most
FUNCTIONS: Final[dict[str, tuple[Callable[..., Any], int, int]]] = {
    "and": (_first, 1, 255),
    "or": (_any, 1, 255),
    "not": (lambda value: not is_true(value), 1, 1),
    "eq": (_equal, 1, 255),
    "ne": (lambda one, other: not _same(one, other), 2, 2),
    "lt": (_less, 2, 2),
    "le": (_less_or_equal, 2, 2),
    "gt": (lambda one, other: not _less_or_equal(one, other), 2, 2),
    "ge": (lambda one, other: not _less(one, other), 2, 2),
    "len": (_len, 1, 1),
    "index": (_index, 1, 255),
    "slice": (_slice, 1, 4),
    "print": (_print, 0, 255),
    "printf": (lambda text, *values: printf(_text(text), *values), 1, 255),
    "println": (_println, 0, 255),
    "json": (_json, 1, 1),
    "split": (_split, 2, 2),
    "join": (_join, 2, 2),
    "title": (_title, 1, 1),
    "lower": (lambda text: _text(text).lower(), 1, 1),
    "upper": (lambda text: _text(text).upper(), 1, 1),
    "pad": (_pad, 3, 3),
    "truncate": (_truncate, 2, 2),
}

# Of the words of a table's heads, which stay as they are: only what separates them is obeyed.
OF_HEADS: Final = dict.fromkeys(("json", "split", "join", "title", "lower", "upper", "truncate"), lambda head, *_: head)
