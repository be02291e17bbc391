"""The registry's exception handlers: each class of exception -> its error response."""

import logging
from typing import Final

from labcore.http import Request, Response
from labcore.http.exceptions import ContentTooLarge, MethodNotAllowed, NotFound
from labcore.registry import errors

LOG: Final = logging.getLogger(__name__)


def _disk_full(request: Request, error: OSError) -> Response:
    """Say that there is no room. Raises the error again if it is another one."""
    if not errors.InsufficientStorage.matches(error):
        raise error
    LOG.error("%s %r: the disk is full: %s", request.method, request.path, error)
    return errors.InsufficientStorage("", "whoever runs it has to make room: labcore registry gc").response()


def _method_not_allowed(request: Request, error: MethodNotAllowed) -> Response:
    return errors.Unsupported(f"{request.method} {request.path}", headers=error.headers).response()


EXCEPTION_HANDLERS: Final = {
    errors.RegistryError: lambda _, error: error.response(),
    NotFound: lambda request, _: errors.PageUnknown(request.path).response(),
    MethodNotAllowed: _method_not_allowed,
    ContentTooLarge: lambda _, error: errors.TooLarge(str(error)).response(),
    OSError: _disk_full,
    Exception: lambda _, __: errors.InternalError().response(),
}
