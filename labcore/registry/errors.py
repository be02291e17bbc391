"""A registry's error responses (distribution-spec, error codes)."""

import errno
import json
from collections.abc import Mapping
from http import HTTPStatus

from labcore.errors import LabcoreError
from labcore.http import Response


class RegistryError(LabcoreError):
    """An error response: its status, its code, and its message, followed by what it is about and why."""

    status = HTTPStatus.BAD_REQUEST
    code = "UNSUPPORTED"
    message = ""

    def __init__(self, subject: str = "", detail: str = "", headers: Mapping[str, str] = {}) -> None:
        super().__init__(": ".join(part for part in (self.message, subject, detail) if part))
        self.headers = headers

    def response(self) -> Response:
        """Return the response to be sent."""
        errors = [{"code": self.code, "message": str(self), "detail": {}}]
        body = json.dumps({"errors": errors}).encode()
        return Response(self.status, {"Content-Type": "application/json", **self.headers}, body)


class NameInvalid(RegistryError):
    """Invalid repository name."""

    code = "NAME_INVALID"
    message = "invalid repository name"


class NameUnknown(RegistryError):
    """Repository not known here."""

    status, code = HTTPStatus.NOT_FOUND, "NAME_UNKNOWN"
    message = "repository not known here"


class BlobUnknown(RegistryError):
    """Blob not known here."""

    status, code = HTTPStatus.NOT_FOUND, "BLOB_UNKNOWN"
    message = "blob not known here"


class ManifestUnknown(RegistryError):
    """Manifest not known here."""

    status, code = HTTPStatus.NOT_FOUND, "MANIFEST_UNKNOWN"
    message = "manifest not known here"


class ManifestInvalid(RegistryError):
    """Invalid manifest."""

    code = "MANIFEST_INVALID"
    message = "invalid manifest"


class ManifestBlobUnknown(RegistryError):
    """The manifest names a blob or manifest that was not pushed."""

    code = "MANIFEST_BLOB_UNKNOWN"
    message = "the manifest names a blob or manifest that was not pushed"


class DigestInvalid(RegistryError):
    """Invalid digest."""

    code = "DIGEST_INVALID"
    message = "invalid digest"


class SizeInvalid(RegistryError):
    """Invalid size."""

    code = "SIZE_INVALID"
    message = "invalid size"


class UploadInvalid(RegistryError):
    """The upload cannot go on so."""

    code = "BLOB_UPLOAD_INVALID"
    message = "the upload cannot go on so"


class UploadUnknown(RegistryError):
    """Upload not known here."""

    status, code = HTTPStatus.NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"
    message = "upload not known here"


class UploadBusy(RegistryError):
    """Another request sends bytes to that upload now."""

    status, code = HTTPStatus.CONFLICT, "BLOB_UPLOAD_INVALID"
    message = "another request sends bytes to that upload now"


class RangeInvalid(RegistryError):
    """That piece does not follow on what has come."""

    status, code = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID"
    message = "that piece does not follow on what has come"


class RangeNotSatisfiable(RegistryError):
    """The blob has no such bytes."""

    status, code = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "SIZE_INVALID"
    message = "the blob has no such bytes"


class Unauthorized(RegistryError):
    """Authentication required."""

    status, code = HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED"
    message = "authentication required"


class Unsupported(RegistryError):
    """That is not done here."""

    status, code = HTTPStatus.METHOD_NOT_ALLOWED, "UNSUPPORTED"
    message = "that is not done here"


class PageUnknown(RegistryError):
    """There is no such page."""

    status, code = HTTPStatus.NOT_FOUND, "UNSUPPORTED"
    message = "there is no such page"


class InternalError(RegistryError):
    """The server has failed."""

    status, code = HTTPStatus.INTERNAL_SERVER_ERROR, "UNKNOWN"
    message = "the server has failed"


class InsufficientStorage(RegistryError):
    """The registry's disk is full."""

    status, code = HTTPStatus.INSUFFICIENT_STORAGE, "UNKNOWN"
    message = "the registry's disk is full"

    @classmethod
    def matches(cls, error: Exception) -> bool:
        """Is an exception of this kind?"""
        return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


class UpstreamDenied(RegistryError):
    """The registry that this one asks does not give it."""

    status, code = HTTPStatus.FORBIDDEN, "DENIED"
    message = "the registry that this one asks does not give it"


class TooManyRequests(RegistryError):
    """The registry that this one asks was asked too often."""

    status, code = HTTPStatus.TOO_MANY_REQUESTS, "TOOMANYREQUESTS"
    message = "the registry that this one asks was asked too often"


class UpstreamUnavailable(RegistryError):
    """The registry that this one asks does not answer as it should."""

    status, code = HTTPStatus.BAD_GATEWAY, "UNAVAILABLE"
    message = "the registry that this one asks does not answer as it should"


class TooLarge(RegistryError):
    """Too large."""

    status, code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "SIZE_INVALID"
    message = "too large"
