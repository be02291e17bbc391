"""HTTP exceptions: each knows the status that it is answered with."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final

from labcore.errors import LabcoreError

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class HTTPException(LabcoreError):
    """A request that is answered with an error: its message and `headers` are the client's to read."""

    def __init__(self, message: str, status: int = HTTPStatus.BAD_REQUEST, headers: Mapping[str, str] = {}) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class NotFound(HTTPException):
    """No route has that path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path}: there is no such page", HTTPStatus.NOT_FOUND)


class MethodNotAllowed(HTTPException):
    """The path has routes, and none of them for that method; the header Allow names theirs (RFC 9110, 15.5.6)."""

    def __init__(self, method: str, path: str, allowed: Iterable[str]) -> None:
        headers = {"Allow": ", ".join(sorted(allowed, key=METHODS.index))}
        super().__init__(f"{method} {path}: that is not done here", HTTPStatus.METHOD_NOT_ALLOWED, headers)


class ContentTooLarge(HTTPException):
    """The body is longer than it may be."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is longer than {limit} bytes", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


class ClientDisconnect(ConnectionError):
    """The client has gone, or stays silent, in the middle of its request: nobody is left to be answered."""
