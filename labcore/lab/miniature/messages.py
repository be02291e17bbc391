"""Messages of the miniature daemon: what a handler is given (Asked), and what it returns (Reply, Hijack)."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from labcore.errors import InvalidInput
from labcore.http import Request
from labcore.lab.messages import say
from labcore.record import Record

MAX_BODY_BYTES: Final = 1 << 20


class Asked(Record):
    """A request: its method, its path without the query, the query by name, and the body."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """Return the object that the body is. Raises InvalidInput, which is answered with 400."""
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise InvalidInput(say("the body is no JSON: {error}", error=error)) from None
        if not isinstance(value, dict):
            raise InvalidInput(say("the body is no JSON object: {body}", body=self.body[:60].decode(errors="replace")))
        return value

    @classmethod
    def of(cls, request: Request) -> "Asked":
        """Read a request to its end. Raises ContentTooLarge, ClientDisconnect."""
        return cls(request.method, request.path, request.query, request.body.read_at_most(MAX_BODY_BYTES))


class Reply(Record):
    """An answer: a status, a body, headers.

    A dictionary or a list becomes JSON; text and bytes go as they are; of an iterator each value is a line of JSON, sent as it
    comes, and the head of the answer at once.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = {}


class Hijack(Record):
    """An answer that takes the connection over: these bytes are sent as they come, and then it ends."""

    chunks: Iterable[bytes]
