"""Errors of templates: where in the text, what is wrong, and what would be right."""

from __future__ import annotations

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class TemplateError(InvalidInput):
    """A template that cannot be parsed, or not be rendered for a value."""


def error_at(source: str, place: int, message: str, cure: str = "") -> TemplateError:
    """Return the error for a place in a template's text: its column, and its line if it has several."""
    line = source.count("\n", 0, place) + 1
    column = place - (source.rfind("\n", 0, place) + 1) + 1
    where = f"line {line}, column {column}" if "\n" in source else f"column {column}"
    return TemplateError(f"template, {where}: {message}" + (f"\n  cure: {cure}" if cure else ""))


def one_of(wanted: str, known: Iterable[str]) -> str:
    """Return the cure for a name that is not known: what looks like it, and all that there are."""
    from difflib import get_close_matches  # for an error only

    names = sorted(known, key=str.lower)
    lowered = {name.lower(): name for name in names}
    found = [lowered[name] for name in get_close_matches(wanted.lower(), list(lowered), n=1, cutoff=0.6)]
    meant = f"did you mean {found[0]}? " if found else ""
    return f"{meant}there are {', '.join(names)}" if names else "there are none"
