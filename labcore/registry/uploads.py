"""How blobs come in: whole, in pieces, or from another repository (distribution-spec, pushing blobs)."""

import re
from http import HTTPStatus
from typing import Final

from labcore.http import Request, Response
from labcore.registry import problems
from labcore.registry.files import Files, Upload, checked, drop_abandoned

PIECE: Final = 1 << 18
CONTENT_RANGE: Final = re.compile(r"(?:bytes )?(\d+)-(\d+)(?:/.*)?")


def begin(files: Files, request: Request, name: str) -> Response:
    """Begin an upload, or have it done at once."""
    files.repository(name)
    if digest := request.query.get("mount"):
        source = request.query.get("from", "")
        if _has(files, source, digest):
            files.link_blob(name, digest)
            return _created(name, digest)
    drop_abandoned(files)
    upload = files.begin_upload(name)
    if digest := request.query.get("digest"):
        try:
            return finish(upload, request)
        except BaseException:
            upload.cancel()
            raise
    return progress(upload, HTTPStatus.ACCEPTED)


def _has(files: Files, source: str, digest: str) -> bool:
    """Return whether a repository has the blob; a name or digest that is none is no reason to refuse the upload."""
    try:
        return bool(source) and files.blob(source, digest).exists()
    except problems.Problem:
        return False


def append(upload: Upload, request: Request) -> Response:
    """Take a piece: the next one, or it is refused."""
    _check_order(upload, request)
    _take(upload, request)
    return progress(upload, HTTPStatus.ACCEPTED)


def finish(upload: Upload, request: Request) -> Response:
    """Take the last piece, and make the upload a blob."""
    digest = request.query.get("digest")
    if not digest:
        raise problems.DigestInvalid("", "the query names none")
    checked(digest)
    _check_order(upload, request)
    before = upload.size
    _take(upload, request)
    try:
        upload.finish(digest)
    except problems.DigestInvalid:
        upload.cut(before)  # the last piece can be sent again
        raise
    return _created(upload.name, digest)


def progress(upload: Upload, status: HTTPStatus) -> Response:
    """Say how much has come, and where to go on."""
    return Response(status, _where(upload))


def _where(upload: Upload) -> dict[str, str]:
    return {
        "Location": f"/v2/{upload.name}/blobs/uploads/{upload.number}",
        "Range": f"0-{max(upload.size - 1, 0)}",
        "Docker-Upload-UUID": upload.number,
    }


def _check_order(upload: Upload, request: Request) -> None:
    header = request.headers.get("content-range")
    if header is None:
        return
    match = CONTENT_RANGE.fullmatch(header)
    if match is None:
        raise problems.UploadInvalid(f"Content-Range: {header}")
    first, last = int(match[1]), int(match[2])
    if first != upload.size or last < first:
        raise problems.RangeInvalid(f"{header}: {upload.size} bytes have come", headers=_where(upload))
    length = request.headers.get("content-length")
    if length is not None and length != str(last - first + 1):
        raise problems.SizeInvalid(f"Content-Length {length} is not that of {header}")


def _take(upload: Upload, request: Request) -> None:
    """Append the body; if it breaks off, what has come of it is dropped."""
    with upload.appending() as file:
        while chunk := request.body.read(PIECE):
            file.write(chunk)


def _created(name: str, digest: str) -> Response:
    return Response(HTTPStatus.CREATED, {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})
