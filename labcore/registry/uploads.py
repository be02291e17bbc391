"""Upload requests of the server: monolithic, chunked, and cross-repository mount (distribution-spec, pushing blobs)."""

import os
import re
from http import HTTPStatus
from io import FileIO
from typing import Final

from labcore.http import Request, Response
from labcore.registry import errors
from labcore.registry.names import checked
from labcore.registry.store import Files
from labcore.registry.upload_store import Upload, drop_abandoned, verify

CHUNK_SIZE: Final = 1 << 18
CONTENT_RANGE: Final = re.compile(r"(?:bytes )?([0-9]{1,19})-([0-9]{1,19})(?:/.*)?")


def begin(files: Files, request: Request, name: str) -> Response:
    """Begin an upload; with a body, or by a mount, it is finished at once."""
    files.repository(name)
    if (digest := request.query.get("mount")) and _mounted(files, request, name, digest):
        return _created(name, digest)
    drop_abandoned(files.uploads)
    upload = files.begin_upload(name)
    if request.query.get("digest"):
        try:
            return finish(files, upload, request)
        except BaseException:
            upload.cancel()
            raise
    return progress(upload, HTTPStatus.ACCEPTED)


def _mounted(files: Files, request: Request, name: str, digest: str) -> bool:
    """Mount a blob and return whether it exists; an invalid name or digest is ignored, and the upload begins."""
    try:
        return files.mount_blob(name, checked(digest), request.query.get("from", ""))
    except errors.RegistryError:
        return False


def append(upload: Upload, request: Request) -> Response:
    """Append the next chunk, a PATCH request's body."""
    with upload.appending() as file:
        _take(upload, file, request)
    return progress(upload, HTTPStatus.ACCEPTED)


def finish(files: Files, upload: Upload, request: Request) -> Response:
    """Append the last chunk, and make the upload a blob. If its digest is wrong the last chunk can be sent again."""
    digest = request.query.get("digest")
    if not digest:
        raise errors.DigestInvalid("", "the query names none")
    checked(digest)
    with upload.appending() as file:
        _take(upload, file, request)
        verify(file, digest)
        files.keep_blob(upload, digest)
    return _created(upload.name, digest)


def progress(upload: Upload, status: HTTPStatus) -> Response:
    """Return the answer with the upload's Location and Range."""
    return Response(status, _where(upload))


def _where(upload: Upload) -> dict[str, str]:
    return {
        "Location": f"/v2/{upload.name}/blobs/uploads/{upload.number}",
        "Range": f"0-{max(upload.size - 1, 0)}",
        "Docker-Upload-UUID": upload.number,
    }


def _take(upload: Upload, file: FileIO, request: Request) -> None:
    """Append the body if it is the next chunk and complete."""
    come = os.fstat(file.fileno()).st_size
    length = _announced(upload, request, come)
    while chunk := memoryview(request.body.read(CHUNK_SIZE)):
        while chunk:
            chunk = chunk[file.write(chunk) :]
    if length is not None and os.fstat(file.fileno()).st_size - come != length:
        raise errors.SizeInvalid(f"the piece is not as long as its Content-Range says: {length}")


def _announced(upload: Upload, request: Request, come: int) -> int | None:
    """Return the length by Content-Range, None if there is none. Raises RangeInvalid if it is not the next chunk."""
    header = request.headers.get("content-range")
    if header is None:
        return None
    match = CONTENT_RANGE.fullmatch(header)
    if match is None:
        raise errors.UploadInvalid(f"Content-Range: {header}", "the first and the last byte are wanted: 0-99")
    first, last = int(match[1]), int(match[2])
    if first != come or last < first:
        raise errors.RangeInvalid(f"{header}: {come} bytes have come", headers=_where(upload))
    if request.headers.get("content-length") not in (None, str(last - first + 1)):
        raise errors.SizeInvalid(f"Content-Length {request.headers['content-length']} is not that of {header}")
    return last - first + 1


def _created(name: str, digest: str) -> Response:
    return Response(HTTPStatus.CREATED, {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})
