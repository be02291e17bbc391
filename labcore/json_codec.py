"""JSON codec: `json.loads` and `json.dumps` by their C parts alone, which import nothing.

Light, as procfs.py is: `json` imports the regular expressions.
"""

from __future__ import annotations

from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Never

WHITESPACE = " \t\n\r"


class _Defaults:
    """What a scanner asks its decoder for: json.JSONDecoder's defaults."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = {"-Infinity": -float("inf"), "Infinity": float("inf"), "NaN": float("nan")}.__getitem__


def _refuse(value: object) -> Never:
    raise TypeError(f"{type(value).__name__} is nothing that JSON has")


_scan = make_scanner(_Defaults)  # type: ignore[arg-type]
_encode = make_encoder(None, _refuse, encode_basestring_ascii, None, ": ", ", ", False, False, True)
_encode_compactly = make_encoder(None, _refuse, encode_basestring_ascii, None, ":", ",", False, False, True)
_encode_text = make_encoder(None, _refuse, encode_basestring, None, ": ", ", ", False, False, True)


def loads(text: str) -> Any:
    """Return the value of a document. Raises ValueError."""
    document = text.strip(WHITESPACE)
    try:
        value, end = _scan(document, 0)
    except (StopIteration, SystemError):  # the C part raises an error of json.decoder, which nobody has imported
        end = -1
    if end != len(document):
        import json  # knows how to say what is wrong

        return json.loads(text)
    return value


def dumps(value: Any) -> str:
    """Return a value as JSON. Raises TypeError."""
    return "".join(_encode(value, 0))


def compact(value: Any) -> str:
    """Return a value as JSON without blanks, as Go writes it. Raises TypeError."""
    return "".join(_encode_compactly(value, 0))


def encoded(value: Any) -> bytes:
    """Return a value as JSON in UTF-8. Raises TypeError, and UnicodeEncodeError for lone surrogates, which UTF-8 has not."""
    return "".join(_encode_text(value, 0)).encode()
