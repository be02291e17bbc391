"""Error answers of the registry: status, code, message (distribution-spec, error codes)."""

import errno
import json
from http import HTTPStatus

from labcore.errors import LabcoreError
from labcore.http import Response


class RegistryError(LabcoreError):
    """An error answer: its status, code and message."""

    status = HTTPStatus.BAD_REQUEST
    code = "UNSUPPORTED"

    def __init__(self, subject: str = "", detail: str = "", headers: dict[str, str] | None = None) -> None:
        said = (self.__doc__ or "").rstrip(".").lower()  # its docstring is what it says
        super().__init__(": ".join(part for part in (said, subject, detail) if part))
        self.headers = headers or {}

    def response(self) -> Response:
        """Return the response to be sent."""
        errors = [{"code": self.code, "message": str(self), "detail": {}}]
        body = json.dumps({"errors": errors}).encode()
        return Response(self.status, {"Content-Type": "application/json", **self.headers}, body)


class NameInvalid(RegistryError):
    """Invalid repository name."""

    code = "NAME_INVALID"


class NameUnknown(RegistryError):
    """Repository not known here."""

    status, code = HTTPStatus.NOT_FOUND, "NAME_UNKNOWN"


class BlobUnknown(RegistryError):
    """Blob not known here."""

    status, code = HTTPStatus.NOT_FOUND, "BLOB_UNKNOWN"


class ManifestUnknown(RegistryError):
    """Manifest not known here."""

    status, code = HTTPStatus.NOT_FOUND, "MANIFEST_UNKNOWN"


class ManifestInvalid(RegistryError):
    """Invalid manifest."""

    code = "MANIFEST_INVALID"


class ManifestBlobUnknown(RegistryError):
    """The manifest names a blob or manifest that was not pushed."""

    code = "MANIFEST_BLOB_UNKNOWN"


class DigestInvalid(RegistryError):
    """Invalid digest."""

    code = "DIGEST_INVALID"


class SizeInvalid(RegistryError):
    """Invalid size."""

    code = "SIZE_INVALID"


class UploadInvalid(RegistryError):
    """The upload cannot go on so."""

    code = "BLOB_UPLOAD_INVALID"


class UploadUnknown(RegistryError):
    """Upload not known here."""

    status, code = HTTPStatus.NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"


class UploadBusy(RegistryError):
    """Another request sends bytes to that upload now."""

    status, code = HTTPStatus.CONFLICT, "BLOB_UPLOAD_INVALID"


class RangeInvalid(RegistryError):
    """That piece does not follow on what has come."""

    status, code = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID"


class RangeNotSatisfiable(RegistryError):
    """The blob has no such bytes."""

    status, code = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "SIZE_INVALID"


class Unauthorized(RegistryError):
    """Authentication required."""

    status, code = HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED"


class Unsupported(RegistryError):
    """That is not done here."""

    status, code = HTTPStatus.METHOD_NOT_ALLOWED, "UNSUPPORTED"


class PageUnknown(RegistryError):
    """There is no such page."""

    status, code = HTTPStatus.NOT_FOUND, "UNSUPPORTED"


class InternalError(RegistryError):
    """The server has failed."""

    status, code = HTTPStatus.INTERNAL_SERVER_ERROR, "UNKNOWN"


class InsufficientStorage(RegistryError):
    """The registry's disk is full."""

    status, code = HTTPStatus.INSUFFICIENT_STORAGE, "UNKNOWN"

    @classmethod
    def matches(cls, error: Exception) -> bool:
        """Is an exception of this kind?"""
        return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


class UpstreamDenied(RegistryError):
    """The registry that this one asks does not give it."""

    status, code = HTTPStatus.FORBIDDEN, "DENIED"


class TooManyRequests(RegistryError):
    """The registry that this one asks was asked too often."""

    status, code = HTTPStatus.TOO_MANY_REQUESTS, "TOOMANYREQUESTS"


class UpstreamUnavailable(RegistryError):
    """The registry that this one asks does not answer as it should."""

    status, code = HTTPStatus.BAD_GATEWAY, "UNAVAILABLE"


class TooLarge(RegistryError):
    """Too large."""

    status, code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "SIZE_INVALID"
