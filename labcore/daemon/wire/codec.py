"""JSON of requests, decoded into structs with the field's path in errors, and of answers, in one piece or line by line.

Go, in which docker's own server is written, makes no difference between a field that is null and one that is not there, takes
null in a mapping for an empty value, and a field's name in any case. So do we: docker-py sends `detachKeys`.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from types import UnionType
from typing import Any, Final, TypeVar, get_args, get_origin

import msgspec
from msgspec.structs import fields

from labcore.errors import InvalidInput
from labcore.http import Request, Response

T = TypeVar("T")
MAX_BODY_BYTES: Final = 4 << 20
AT: Final = re.compile(r"\(byte (\d+)\)$")
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
        return msgspec.convert(_as_in_go(msgspec.json.decode(content), kind), kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `")
        raise InvalidInput(f"{path.removeprefix('$.').rstrip('`') or 'the body'}: {what}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(f"invalid JSON: {_in_docker_s_words(str(error), content)}") from None


def _in_docker_s_words(text: str, content: bytes | str) -> str:
    """Return why JSON cannot be read, for the two commonest causes as Go's decoder says it."""
    at = AT.search(text)
    if text.startswith("JSON is malformed: trailing characters"):
        return "unexpected content after JSON"
    if at and text.startswith("JSON is malformed: object keys must be strings"):
        raw = content if isinstance(content, bytes) else content.encode()
        return f"invalid character {chr(raw[int(at[1])])!r} looking for beginning of object key string"
    return text


def _as_in_go(value: Any, kind: Any) -> Any:
    """Return a value without fields that are null, and with fields named as its type names them.

    A mapping's keys stay as they are, also those whose value is null.
    """
    known, inner = _shape(kind)
    if isinstance(value, list):
        return [_as_in_go(each, inner) for each in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, each in value.items():
        name, of_field = known.get(key.lower(), (key, inner))
        if each is None:
            found |= {} if inner is None else {name: _empty(inner)}
        else:
            found[name] = _as_in_go(each, of_field)
    return found


def _empty(kind: Any) -> Any:
    """Return Go's zero value of a type, as JSON; of one that may be null, null."""
    if isinstance(kind, UnionType):
        return None
    origin = get_origin(kind) or kind
    return origin() if origin in (str, int, float, bool, list) else {}


@cache
def _shape(kind: Any) -> tuple[dict[str, tuple[str, Any]], Any]:
    """Return a struct's fields by their names in lower case, each with its type; and of a container the type of its values."""
    for each in get_args(kind) if isinstance(kind, UnionType) else (kind,):
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            return {field.encode_name.lower(): (field.encode_name, field.type) for field in fields(each)}, None
        if get_origin(each) in (list, dict):
            return {}, get_args(each)[-1]
    return {}, None


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
