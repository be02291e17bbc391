"""Words as far as they can be expanded: what is wrong with them the build says, and where."""

from __future__ import annotations

from contextlib import suppress

from labcore.builder.parser.words import expand, expand_words, variables_in
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def expanded(word: str, variables: Mapping[str, str], escape: str) -> str:
    """Return a word expanded, or an empty one."""
    with suppress(InvalidInput):
        return expand(word, variables, escape=escape)
    return ""


def words(text: str, variables: Mapping[str, str], escape: str) -> list[str]:
    """Return the words of a text, expanded, or none."""
    with suppress(InvalidInput):
        return expand_words(text, variables, escape=escape)
    return []


def asked(word: str, escape: str, *, quotes: bool = True) -> set[str]:
    """Return the names of the variables that a word asks for."""
    with suppress(InvalidInput):
        return variables_in(word, escape=escape, quotes=quotes)
    return set()
