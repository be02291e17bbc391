"""Exception middleware: the table "exception class -> response", so that no route catches anything."""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from labcore.http.exceptions import ClientDisconnect, HTTPException
from labcore.http.message import App, Request, Response, Upgrade

LOG: Final = logging.getLogger(__name__)
ExceptionHandler = Callable[[Request, Any], Response]


class ExceptionMiddleware:
    """An app whose exceptions become responses: the table's entry for the exception's nearest class counts.

    What no entry is for, or what an entry raises in turn, is a 500 that tells nothing of it. Every 500 is logged: one that an
    exception's own class explains in a line, any other with its traceback.
    """

    def __init__(self, app: App, exception_handlers: Mapping[type[Exception], ExceptionHandler] = {}) -> None:
        self._app = app
        self._handlers: dict[type[Exception], ExceptionHandler] = {HTTPException: http_exception, **exception_handlers}

    def __call__(self, request: Request) -> Response | Upgrade:
        """Answer a request. Raises ClientDisconnect, and nothing else."""
        try:
            return self._app(request)
        except ClientDisconnect:  # nobody is there to read an answer
            raise
        except Exception as error:
            return self._response_to(request, error)

    def _response_to(self, request: Request, error: Exception) -> Response:
        kind = next((kind for kind in type(error).__mro__ if kind in self._handlers), Exception)
        try:
            response = self._handlers.get(kind, server_error)(request, error)
        except Exception as in_turn:
            kind, error, response = Exception, in_turn, server_error(request, in_turn)
        if response.status == HTTPStatus.INTERNAL_SERVER_ERROR and kind is not Exception:
            LOG.error("%s %.200r: %r", request.method, request.path, str(error))
        elif response.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            LOG.error("%s %.200r: the handler has failed", request.method, request.path, exc_info=error)
        return response


def http_exception(_: Request, error: HTTPException) -> Response:
    """Return an HTTPException as plain text."""
    return plain_text(error.status, str(error), error.headers)


def server_error(_: Request, __: Exception) -> Response:
    """Return what a client is told of a fault of ours: nothing of what it was."""
    return plain_text(HTTPStatus.INTERNAL_SERVER_ERROR, "the server has failed; its log says how")


def plain_text(status: int, sentence: str, headers: Mapping[str, str] = {}) -> Response:
    """Return a response of one sentence."""
    return Response(status, {"Content-Type": "text/plain; charset=utf-8", **headers}, f"{sentence}\n".encode(errors="replace"))
