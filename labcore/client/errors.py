"""Exceptions of API calls, by the status of the answer; each is also labcore's own exception of that meaning.

`except labcore.errors.NotFound` catches what the daemon does not have just as what the library does not have.
"""

from __future__ import annotations

from labcore import errors
from labcore.json_codec import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MESSAGE_CHARACTERS: Final = 4096
NO_SUCH_IMAGE: Final = "No such image: "


class APIError(errors.LabcoreError):
    """The daemon did not do what was asked: its `message`, the `call` (`POST /containers/web/start`) and the `status`."""

    def __init__(self, message: str, *, call: str, status: int) -> None:
        super().__init__(f"{message} ({call}: {status})")
        self.message = message
        self.call = call
        self.status = status


class BadRequest(APIError, errors.InvalidInput):
    """400: what was asked for cannot be."""


class Unauthorized(APIError):
    """401: a registry wants other credentials."""


class Forbidden(APIError, errors.Forbidden):
    """403: what is always so is not to be changed."""


class NotFound(APIError, errors.NotFound):
    """404: no such object."""


class ImageNotFound(APIError, errors.ImageNotFound):
    """404: no such image, which is `missing`: it can be pulled."""

    def __init__(self, message: str, *, call: str, status: int) -> None:
        APIError.__init__(self, message, call=call, status=status)
        self.missing = message.removeprefix(NO_SUCH_IMAGE)


class Conflict(APIError, errors.InUse):
    """409: it is in use, its name is taken, or its state does not allow that."""


class NotRunning(Conflict, errors.NotRunning):
    """409: the container has ended."""


class ServerError(APIError):
    """500 and above: the daemon has failed; also what fails once an answer has begun, as in a pull."""


BY_STATUS: Final[dict[int, type[APIError]]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    406: BadRequest,
    409: Conflict,
}


def message_of(content: bytes) -> str:
    """Return what docker's form of an error says, `{"message": …}`; anything else as the text that it is."""
    found = content.decode(errors="replace").strip()
    try:
        value = loads(found)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        found = value["message"]
    return found[:MESSAGE_CHARACTERS] or "the daemon does not say why"


def error_of(status: int, content: bytes, call: str) -> APIError:
    """Return the exception that an answer means."""
    message = message_of(content)
    kind = BY_STATUS.get(status, ServerError if status >= 500 else APIError)
    if status == 404 and message.startswith(NO_SUCH_IMAGE):
        kind = ImageNotFound
    if status == 409 and "is not running" in message:
        kind = NotRunning
    return kind(message, call=call, status=status)
