"""Shapes of JSON: the keys and types of two replies, compared all the way down."""

import re
from collections.abc import Collection, Iterator
from typing import Any

DIGITS = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{12})\b")


def differences(theirs: Any, ours: Any, *, but: Collection[str] = ()) -> list[str]:
    """Return in what two values differ: keys that one of them lacks, and types. `but` are paths (`.a.b`) to be passed over."""
    return [each for each in _differences(theirs, ours, "") if not any(each.split(": ")[0].startswith(path) for path in but)]


def _differences(theirs: Any, ours: Any, path: str) -> Iterator[str]:
    if type(theirs) is not type(ours):
        yield f"{path}: {_name(theirs)} there, {_name(ours)} here"
    elif isinstance(theirs, dict):
        for key in theirs.keys() | ours.keys():
            if key not in ours or key not in theirs:
                yield f"{path}.{key}: only {'here' if key in ours else 'there'}"
            else:
                yield from _differences(theirs[key], ours[key], f"{path}.{key}")
    elif isinstance(theirs, list):
        if bool(theirs) != bool(ours):
            yield f"{path}: {len(theirs)} there, {len(ours)} here"
        for one, other in zip(theirs, ours, strict=False):
            yield from _differences(one, other, f"{path}[]")


def _name(value: Any) -> str:
    return "null" if value is None else type(value).__name__


def without_ids(text: str) -> str:
    """Return a text with all IDs and digests, and their heads, replaced by the same word."""
    return DIGITS.sub("ID", text)
