"""JSON of requests, decoded into structs with the field's path in errors, and of answers, in one piece or line by line.

Go, in which docker's own clients are written, makes no difference between a field that is null and one that is not there; so
neither is kept.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec

from labcore.errors import InvalidInput
from labcore.http import Request, Response

T = TypeVar("T")
MAX_BODY_BYTES: Final = 4 << 20
JSON: Final = {"Content-Type": "application/json"}
_encode = msgspec.json.Encoder().encode
ZERO_TIME: Final = "0001-01-01T00:00:00Z"  # Go's, which docker's clients take for never


class Wire(msgspec.Struct, rename="pascal"):
    """The base of what requests carry: fields have the API's names in Python's spelling; unknown ones are passed over."""


def decode(request: Request, kind: type[T]) -> T:
    """Return a request's JSON body. Raises InvalidInput, naming the field; ContentTooLarge."""
    content = request.body.read_at_most(MAX_BODY_BYTES)
    if content and not request.headers.get("content-type", "").lower().startswith("application/json"):
        given = request.headers.get("content-type", "").partition(";")[0]
        raise InvalidInput(f"unsupported Content-Type header ({given:.80}): must be 'application/json'")
    return decode_bytes(b"{}" if content.strip() in (b"", b"null") else content, kind)


def decode_bytes(content: bytes | str, kind: type[T]) -> T:
    """Return JSON as a value. Raises InvalidInput."""
    try:
        return msgspec.convert(_without_nulls(msgspec.json.decode(content)), kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `")
        raise InvalidInput(f"{path.removeprefix('$.').rstrip('`') or 'the body'}: {what}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(f"invalid JSON: {error}") from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value


def encode(value: Any) -> bytes:
    """Return a value as JSON."""
    return _encode(value)


def json_response(value: Any, *, status: int = HTTPStatus.OK, headers: Mapping[str, str] = {}) -> Response:
    """Return an answer of JSON."""
    return Response(status, {**JSON, **headers}, encode(value) + b"\n")


def json_lines(values: Iterable[Any]) -> Response:
    """Return an answer of JSON values that are sent as they come."""
    return Response(HTTPStatus.OK, JSON, (encode(value) + b"\r\n" for value in values))


def empty(status: int = HTTPStatus.NO_CONTENT) -> Response:
    """Return an answer without a body."""
    return Response(status)
