"""Calls of the Engine API: the version that both ends speak, queries, JSON both ways, and what statuses mean."""

from __future__ import annotations

from binascii import b2a_base64

from labcore.client.answer import BadAnswer
from labcore.client.errors import ServerError, error_of, message_of
from labcore.client.transport import Response, Transport
from labcore.errors import InvalidInput, Unavailable
from labcore.json_codec import dumps, encoded, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final, TypeAlias

    from labcore.client.connection import Connection
    from labcore.client.transport import Content

    Query: TypeAlias = "Mapping[str, object]"  # texts, numbers, truths, and lists of texts
    Filters: TypeAlias = "Mapping[str, str | Sequence[str]]"

NO_QUERY: Final[Query] = {}
API_VERSION: Final = "1.51"
MIN_API_VERSION: Final = "1.24"
ANSWER_SECONDS: Final = 60.0  # of silence, where an answer is a matter of moments
LINE_BYTES: Final = 16 << 20  # of one value in a stream of them
SAFE: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
SAFE_IN_PATH: Final = SAFE | frozenset(b":@+,=")
SAFE_IN_IMAGE: Final = SAFE_IN_PATH | frozenset(b"/")


def quoted(text: str, safe: frozenset[int] = SAFE) -> str:
    """Return a text with its other characters percent-encoded (RFC 3986, 2.1), as urllib.parse does, which imports more.

    Raises InvalidInput for what is no UTF-8.
    """
    try:
        return "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in text.encode())
    except UnicodeEncodeError as error:
        raise _no_utf8(error) from None


def json_bytes(value: Any) -> bytes:
    """Return a value as a JSON body. Raises InvalidInput for a text that is no UTF-8."""
    try:
        return encoded(value)
    except UnicodeEncodeError as error:
        raise _no_utf8(error) from None


def _no_utf8(error: UnicodeEncodeError) -> InvalidInput:
    """Return the error for bytes that Python has decoded to lone surrogates (PEP 383); it names the text around them."""
    text = error.object[: error.start].rpartition('"')[2] + error.object[error.start :].partition('"')[0]
    return InvalidInput(f"{text}: this is no UTF-8, and the Engine API takes nothing else")


def path(*words: str, image: str | None = None) -> str:
    """Return a target of words and names: `path("containers", "web", "json")`, or `path("images", image="a/b:1")` first.

    Raises InvalidInput for a name that would make it another call.
    """
    for word in (*words, *(image or "").split("/")) if image is not None else words:
        if word.removeprefix("/") in ("", ".", ".."):
            raise InvalidInput(f"{word!r} is no name: of a container, an image, a network or a volume")
    first, *rest = words
    named = [quoted(image, SAFE_IN_IMAGE)] if image is not None else []
    return "/" + "/".join([first, *named, *(quoted(word.removeprefix("/"), SAFE_IN_PATH) for word in rest)])


def query_string(query: Query) -> str:
    """Return a query: what is None, False or empty is left out, a list is said once for each value."""
    pairs = []
    for name, value in query.items():
        values = value if isinstance(value, list | tuple) else (value,)
        shown = ("1" if each is True else str(each) for each in values if each not in (None, "") and each is not False)
        pairs += [f"{name}={quoted(each)}" for each in shown]
    return "?" + "&".join(pairs) if pairs else ""


def filters_json(filters: Filters | None) -> str:
    """Return filters as the API takes them, `{"name": ["value"]}`; empty for none."""
    if not filters:
        return ""
    return dumps({name: [values] if isinstance(values, str) else list(values) for name, values in filters.items()})


def base64url(value: Any) -> str:
    """Return JSON in base64url, as headers carry it."""
    return b2a_base64(json_bytes(value), newline=False).decode().replace("+", "-").replace("/", "_")


class API:
    """Calls to one daemon, in the newest version that both ends speak unless one is asked for."""

    def __init__(self, transport: Transport, version: str = "") -> None:
        if version:
            check_version(version)
        self._transport = transport
        self._version = version

    @property
    def host(self) -> str:
        """The daemon's URL."""
        return str(self._transport.host)

    @property
    def version(self) -> str:
        """The version of the API that is spoken; asks the daemon once."""
        if not self._version:
            with self._transport.request("HEAD", "/_ping", timeout=ANSWER_SECONDS) as answer:
                offered = answer.headers.get("api-version", "")
            self._version = self._negotiated(offered)
        return self._version

    def _negotiated(self, offered: str) -> str:
        if not offered:
            raise BadAnswer(f"{self.host}: it does not say its Api-Version: no daemon of the Engine API is there")
        if parsed(offered) < parsed(MIN_API_VERSION):
            raise Unavailable(f"{self.host}: it speaks version {offered:.20} at most, and {MIN_API_VERSION} is the least here")
        return min(offered, API_VERSION, key=parsed)

    def call(
        self,
        method: str,
        target: str,
        query: Query = NO_QUERY,
        *,
        json: Any = None,
        content: Content = b"",
        headers: Mapping[str, str] = {},
        timeout: float | None = ANSWER_SECONDS,
    ) -> Response:
        """Return the response to a call, its body still to be read. Raises what statuses from 400 on mean, Unavailable."""
        if json is not None:
            content, headers = json_bytes(json), {**headers, "Content-Type": "application/json"}
        full = f"/v{self.version}{target}{query_string(query)}"
        answer = self._transport.request(method, full, headers=headers, content=content, timeout=timeout)
        return _checked(answer, f"{method} {target}")

    def get(self, target: str, query: Query = NO_QUERY, *, timeout: float | None = ANSWER_SECONDS) -> Any:
        """Return the JSON that GET answers."""
        return self._json(self.call("GET", target, query, timeout=timeout), target)

    def post(
        self, target: str, query: Query = NO_QUERY, *, json: Any = None, timeout: float | None = ANSWER_SECONDS, **options: Any
    ) -> Any:
        """Return the JSON that POST answers, None if it answers with nothing."""
        return self._json(self.call("POST", target, query, json=json, timeout=timeout, **options), target)

    def change(
        self,
        method: str,
        target: str,
        query: Query = NO_QUERY,
        *,
        json: Any = None,
        content: Content = b"",
        timeout: float | None = ANSWER_SECONDS,
    ) -> bool:
        """Make a call that is answered by its status; return False for 304: it is so already."""
        with self.call(method, target, query, json=json, content=content, timeout=timeout) as answer:
            answer.content()
            return answer.status != 304

    def _json(self, answer: Response, target: str) -> Any:
        content = answer.content()
        return json_of(content, target) if content.strip() else None

    def values(self, answer: Response, call: str) -> Iterator[Any]:
        """Yield the JSON values of a stream, one on each line, as they come."""
        with answer:
            ahead = bytearray()
            for piece in answer:
                searched = len(ahead)
                ahead += piece
                if ahead.find(b"\n", searched) < 0:
                    if len(ahead) > LINE_BYTES:
                        raise BadAnswer(f"{call}: a value of more than {LINE_BYTES} bytes")
                    continue
                *lines, rest = bytes(ahead).split(b"\n")
                ahead = bytearray(rest)
                yield from (json_of(line, call) for line in lines if line.strip())
            if ahead.strip():
                yield json_of(bytes(ahead), call)

    def hijack(self, target: str, query: Query = NO_QUERY, *, json: Any = None) -> tuple[Response, Connection]:
        """Take a connection over; return the response's head and the connection. Raises as `call` does."""
        content = json_bytes(json) if json is not None else b""
        headers = {"Content-Type": "application/json"} if content else {}
        full = f"/v{self.version}{target}{query_string(query)}"
        answer, connection = self._transport.hijack(full, headers=headers, content=content)
        answer = _checked(answer, f"POST {target}")
        if connection is None:
            with answer:
                message = message_of(answer.content())
            raise ServerError(f"the connection was not handed over: {message}", call=f"POST {target}", status=answer.status)
        return answer, connection

    def close(self) -> None:
        """Close the connections that wait."""
        self._transport.close()


def _checked(answer: Response, call: str) -> Response:
    if answer.status < 400:
        return answer
    with answer:
        raise error_of(answer.status, answer.content(), call)


def json_of(content: bytes, call: str) -> Any:
    """Return what an answer's JSON means. Raises BadAnswer."""
    try:
        return loads(content.decode())
    except (ValueError, RecursionError):
        raise BadAnswer(f"{call}: {content[:80]!r} is no JSON") from None


def list_of(value: Any, call: str) -> list[Any]:
    """Return a list that was answered; docker's null is an empty one. Raises BadAnswer."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadAnswer(f"{call}: {value!r:.80} is no list")
    return value


def parsed(version: str) -> tuple[int, int]:
    """Return a version to be compared. Raises BadAnswer."""
    major, dot, minor = version.partition(".")
    if not (dot and all(part.isascii() and part.isdecimal() and len(part) < 5 for part in (major, minor))):
        raise BadAnswer(f"{version!r:.20} is no version of the Engine API")
    return int(major), int(minor)


def check_version(version: str) -> None:
    """Raise InvalidInput for a version that cannot be asked for (DOCKER_API_VERSION)."""
    try:
        fits = parsed(MIN_API_VERSION) <= parsed(version) <= parsed(API_VERSION)
    except BadAnswer:
        fits = False
    if not fits:
        raise InvalidInput(
            f"API version {version!r:.20}: {MIN_API_VERSION} to {API_VERSION} are spoken here (DOCKER_API_VERSION)"
        )
