"""Query parameters of requests: truths, numbers and filters, as docker reads them."""

import re
from collections.abc import Callable, Collection, Sequence

from labcore.daemon.wire.codec import decode_bytes
from labcore.errors import InvalidInput
from labcore.http import Request
from labcore.timestamps import parse_rfc3339, parse_time

NUMBER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
MAX_EXTENT = (1 << 16) - 1  # rows or columns of a terminal
TRUE_WORDS = ("1", "t", "T", "TRUE", "true", "True")  # of parameters that docker is strict about
FALSE_WORDS = ("0", "f", "F", "FALSE", "false", "False")
FALSE = ("", "0", "no", "false", "none")


def flag(request: Request, name: str, *, default: bool = False) -> bool:
    """Return a truth: docker takes everything for true that is not one of the words for false."""
    return request.query[name].strip().lower() not in FALSE if name in request.query else default


def number(request: Request, name: str, default: int | None = None) -> int | None:
    """Return a whole number. Raises InvalidInput."""
    text = request.query.get(name, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise InvalidInput(f"{name}={text}: a whole number is wanted") from None


def filters(request: Request, known: Collection[str] | None) -> dict[str, list[str]]:
    """Return the filters, JSON of `{"name": ["value"]}` or of the older `{"name": {"value": true}}`.

    Raises InvalidInput, also for one that is not among those `known`, if these are named.
    """
    text = request.query.get("filters", "")
    found = decode_bytes(text, dict[str, list[str] | dict[str, bool]]) if text else {}
    for name in found:
        if known is not None and name not in known:
            raise InvalidInput(f"invalid filter '{name}': there are {', '.join(known)}")
    return {
        name: [value for value, wanted in values.items() if wanted] if isinstance(values, dict) else values
        for name, values in found.items()
    }


def before(texts: Sequence[str]) -> Callable[[str], bool]:
    """Return a predicate of RFC 3339's times: before the one that the filter `until` names. Raises InvalidInput."""
    if not texts:
        return lambda _: True
    if len(texts) > 1:
        raise InvalidInput("more than one until filter specified")
    limit = parse_time(texts[0])
    return lambda created: parse_rfc3339(created) < limit


def strict_flag(request: Request, name: str, *, default: bool = False) -> bool:
    """Return a truth of a parameter that docker is strict about. Raises InvalidInput."""
    text = request.query.get(name, "")
    if not text:
        return default
    if text not in TRUE_WORDS + FALSE_WORDS:
        raise InvalidInput(f"invalid value for {name}: {text:.80}: true or false is wanted")
    return text in TRUE_WORDS


def console_size(request: Request) -> tuple[int, int]:
    """Return a terminal's size, `h` and `w`. Raises InvalidInput."""
    return _extent(request, "h", "height"), _extent(request, "w", "width")


def _extent(request: Request, name: str, what: str) -> int:
    text = request.query.get(name, "")
    if not NUMBER.fullmatch(text):
        raise InvalidInput(f'invalid resize {what} "{text}": invalid syntax')
    if not 0 <= int(text) < 1 << 32:
        raise InvalidInput(f'invalid resize {what} "{text}": value out of range')
    return min(int(text), MAX_EXTENT)
