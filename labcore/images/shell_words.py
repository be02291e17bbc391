"""Words of a Dockerfile instruction: quotes and escapes removed, and `$NAME`, `${NAME}`, `${NAME:-word}` expanded."""

from __future__ import annotations

import re

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

PARTS: Final = re.compile(
    r"""
    (?P<blanks>\s+)
    | '(?P<single>[^']*)'
    | "(?P<double>(?:[^"\\]|\\.)*)"
    | \\(?P<escaped>.)
    | \$(?P<name>[A-Za-z_]\w*)
    | \$\{(?P<braced>[A-Za-z_]\w*)(?:(?P<modifier>:?[-+?])(?P<word>[^{}]*))?\}
    | (?P<malformed>['"\\]|\$\{)
    | (?P<plain>[^\s'"\\$]+|\$)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
IN_DOUBLE_QUOTES: Final = re.compile(r"\\([\"\\$])|(\$(?:\w+|\{[^}]*\}))", re.ASCII)
MALFORMED: Final = {
    "'": "No closing quotation",
    '"': "No closing quotation",
    "\\": "No escaped character: write \\\\ for a backslash",
    "${": "${NAME} is wanted, or ${NAME:-word}, ${NAME:+word}, ${NAME:?message}",
}


def split(text: str, environment: Mapping[str, str]) -> list[str]:
    """Return the words of a line; what a variable holds is not split again. Raises InvalidInput."""
    words: list[str] = []
    inside = False
    for part in PARTS.finditer(text):
        if part["blanks"]:
            inside = False
            continue
        if not inside:
            words.append("")
        words[-1] += _expanded(part, environment)
        inside = True
    return words


def word(text: str, environment: Mapping[str, str]) -> str:
    """Return a line as one word, its blanks kept. Raises InvalidInput."""
    return "".join(part["blanks"] or _expanded(part, environment) for part in PARTS.finditer(text))


def _expanded(part: re.Match[str], environment: Mapping[str, str]) -> str:
    if part["malformed"]:
        raise InvalidInput(f"{part.string!r}: {MALFORMED[part['malformed']]}")
    if part["double"] is not None:
        return IN_DOUBLE_QUOTES.sub(lambda found: found[1] or word(found[2], environment), part["double"])
    if part["name"]:
        return environment.get(part["name"], "")
    if part["braced"]:
        return _modified(part, environment)
    return next(text for text in (part["single"], part["escaped"], part["plain"]) if text is not None)


def _modified(part: re.Match[str], environment: Mapping[str, str]) -> str:
    """Return the value of `${NAME}`, or what its modifier makes of it; with a colon an empty value counts as none."""
    modifier, value = part["modifier"] or "", environment.get(part["braced"])
    is_set = bool(value) if modifier.startswith(":") else value is not None
    if modifier.endswith("+"):
        return word(part["word"], environment) if is_set else ""
    if modifier.endswith("-") and not is_set:
        return word(part["word"], environment)
    if modifier.endswith("?") and not is_set:
        raise InvalidInput(f"{part['braced']}: {part['word'] or 'it is not set'}")
    return value or ""
