"""Exceptions as answers: the one table "exception class -> status", and docker's form of a message."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from labcore.daemon.versions import VersionTooOld
from labcore.daemon.wire.codec import json_response
from labcore.daemon.wire.progress import failed
from labcore.engine.image.registry_messages import Unauthorized
from labcore.errors import (
    Forbidden,
    ImageNotFound,
    InUse,
    InvalidInput,
    LabcoreError,
    NotFound,
    NotRunning,
    StepFailed,
    StoreDamaged,
    StoreFull,
    Unavailable,
)
from labcore.http import HTTPException, Request, Response, exceptions
from labcore.spec.reference import InvalidReference

STATUSES: Final[Mapping[type[Exception], int]] = {
    InvalidInput: HTTPStatus.BAD_REQUEST,
    Forbidden: HTTPStatus.FORBIDDEN,
    Unauthorized: HTTPStatus.UNAUTHORIZED,
    NotFound: HTTPStatus.NOT_FOUND,
    ImageNotFound: HTTPStatus.NOT_FOUND,
    NotRunning: HTTPStatus.CONFLICT,
    InUse: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.INTERNAL_SERVER_ERROR,
    StoreDamaged: HTTPStatus.INTERNAL_SERVER_ERROR,
    StoreFull: HTTPStatus.INTERNAL_SERVER_ERROR,
    LabcoreError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def message(status: int, sentence: str, headers: Mapping[str, str] = {}) -> Response:
    """Return docker's form of an error."""
    return json_response({"message": sentence}, status=status, headers=headers)


def _handler(status: int) -> Callable[[Request, Any], Response]:
    return lambda _, error: message(status, str(error))


def page_not_found(request: Request, _: Exception) -> Response:
    """Return that no route has that path, or not for that method: docker makes no difference."""
    return message(HTTPStatus.NOT_FOUND, f"page not found: {request.method} {request.path:.200}")


def image_not_found(_: Request, error: ImageNotFound) -> Response:
    """Return docker's words for an image that is not there, by which clients know to pull it."""
    return message(HTTPStatus.NOT_FOUND, f"No such image: {error.missing}" if error.missing else str(error))


def step_failed(_: Request, error: StepFailed) -> Response:
    """Return how a container's start failed, behind Go's words for it: by these the docker command knows its exit status."""
    return message(HTTPStatus.BAD_REQUEST, f"{(error.strerror or '').lower()}: {error}")


def invalid_reference(_: Request, error: InvalidReference) -> Response:
    """Return docker's words for what is no image name."""
    return message(HTTPStatus.BAD_REQUEST, error.format_error)


def version_too_old(_: Request, error: VersionTooOld) -> Response:
    """Return that a version is too old as those who speak it read it: as text."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return Response(HTTPStatus.BAD_REQUEST, headers, f"{error}\n".encode())


def http_exception(_: Request, error: HTTPException) -> Response:
    """Return what the HTTP layer itself refuses."""
    return message(error.status, str(error), error.headers)


def internal(_: Request, error: Exception) -> Response:
    """Return what a client is told of a fault of ours; the log has its traceback."""
    return message(HTTPStatus.INTERNAL_SERVER_ERROR, failed(error))


HANDLERS: Final[Mapping[type[Exception], Callable[[Request, Any], Response]]] = {
    Exception: internal,
    HTTPException: http_exception,
    exceptions.NotFound: page_not_found,
    exceptions.MethodNotAllowed: page_not_found,
    **{kind: _handler(status) for kind, status in STATUSES.items()},
    ImageNotFound: image_not_found,
    StepFailed: step_failed,
    InvalidReference: invalid_reference,
    VersionTooOld: version_too_old,
}
