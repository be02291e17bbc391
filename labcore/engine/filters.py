"""Filters: what docker's lists have in common: labels, parts of names, truths."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

TRUTHS: Final = {"1": True, "true": True, "0": False, "false": False}


def has_label(labels: Mapping[str, str], text: str) -> bool:
    """Return whether there is a label of that name, or `NAME=VALUE`."""
    name, equals, value = text.partition("=")
    return name in labels and (not equals or labels[name] == value)


def is_like(text: str, value: str) -> bool:
    """Return whether a text has a part that a value says, as a regular expression where it is one, as docker reads it."""
    try:
        return value in text or re.search(value, text) is not None
    except re.error:
        return False
