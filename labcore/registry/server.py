"""The registry's routes and their endpoints (distribution-spec 1.1, endpoints)."""

import json
import os
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from labcore.http import ExceptionMiddleware, FilePart, Request, Response, Route, Router, Server, Upgrade, listen_tcp
from labcore.record import Record
from labcore.registry import errors, uploads
from labcore.registry.exception_handlers import EXCEPTION_HANDLERS
from labcore.registry.manifests import read_manifest
from labcore.registry.names import checked
from labcore.registry.pagination import next_page, number, page_of, referrers_of
from labcore.registry.server_auth import Access, AllowAll
from labcore.registry.store import Files

MANIFEST_MAX: Final = 4 << 20
REFERRERS: Final = "application/vnd.oci.image.index.v1+json"
RANGE: Final = re.compile(r"bytes=([0-9]*)-([0-9]*)")


class Settings(Record):
    """How a registry is served. `access` says who may; with `read_only` nothing can be pushed or deleted."""

    access: Access = AllowAll()
    read_only: bool = False


class Registry:
    """Answers requests from the files below a directory."""

    def __init__(self, root: Path, settings: Settings | None = None) -> None:
        self.files = Files(root)
        self.settings = settings or Settings()
        self._reading = threading.Semaphore(4)  # what 4 MB of JSON say may take 100 MB
        self._app = ExceptionMiddleware(self._answer, EXCEPTION_HANDLERS)

    @property
    def settings(self) -> Settings:
        """How it is served; may be changed while it is."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings
        self._router = Router(self._routes(), safe_only=settings.read_only)

    def _routes(self) -> Iterator[Route]:
        upload, blob = "/v2/{name:path}/blobs/uploads/{number}", "/v2/{name:path}/blobs/{digest}"
        manifest, referrers = "/v2/{name:path}/manifests/{reference}", "/v2/{name:path}/referrers/{digest}"
        for slash in ("", "/"):
            yield Route("GET", f"/v2{slash}", self.get_base)
            yield Route("POST", f"/v2/{{name:path}}/blobs/uploads{slash}", self.post_upload)
        yield Route("GET", upload, self.get_upload)
        yield Route("PATCH", upload, self.patch_upload)
        yield Route("PUT", upload, self.put_upload)
        yield Route("DELETE", upload, self.delete_upload)
        yield Route("GET", blob, self.get_blob)
        yield Route("DELETE", blob, self.delete_blob)
        yield Route("GET", manifest, self.get_manifest)
        yield Route("PUT", manifest, self.put_manifest)
        yield Route("DELETE", manifest, self.delete_manifest)
        yield Route("GET", "/v2/{name:path}/tags/list", self.get_tags)
        yield Route("GET", referrers, self.get_referrers)
        yield Route("GET", "/v2/_catalog", self.get_catalog)
        yield Route("GET", "/v1/search", self.get_search)

    def serve(self, address: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None) -> tuple[Server, int]:
        """Return a server that listens, and its port; it serves once it is started."""
        listener = listen_tcp(address, port)
        return Server(listener, self.answer, tls=tls), listener.getsockname()[1]

    def close(self) -> None:
        """End what an answer may be waiting for: here, nothing."""

    def answer(self, request: Request) -> Response:
        """Answer a request, with an error too. Raises ClientDisconnect."""
        response = self._app(request)
        assert isinstance(response, Response)  # no route upgrades
        return response

    def _answer(self, request: Request) -> Response | Upgrade:
        self.settings.access.check(request)
        return self._router(request)

    # --- the whole

    def get_base(self, request: Request) -> Response:
        """Say that this is a registry (end-1)."""
        return _json({}, {"Docker-Distribution-Api-Version": "registry/2.0"})

    def get_catalog(self, request: Request) -> Response:
        """List the repositories, as Docker's registry does."""
        names, more = page_of(self.files.repositories(), request)
        return _json({"repositories": names}, next_page("/v2/_catalog", names, request) if more else {})

    def get_search(self, request: Request) -> Response:
        """Find repositories by a part of their names, as Docker's index does."""
        term = request.query.get("q", "")
        found = [name for name in self.files.repositories() if term.lower() in name]
        results = [
            {"name": name, "description": "", "star_count": 0, "is_official": "/" not in name, "is_automated": False}
            for name in found[: number(request.query.get("n", "25"), 100)]
        ]
        return _json({"query": term, "num_results": len(results), "results": results})

    # --- blobs

    def get_blob(self, request: Request, name: str, digest: str) -> Response:
        """Send a blob, or a part of it (end-2)."""
        headers = blob_headers(digest)
        with ExitStack() as undo:
            file = undo.enter_context(self.files.open_blob(name, digest))
            size = os.fstat(file.fileno()).st_size
            if _known(request, digest):
                return Response(HTTPStatus.NOT_MODIFIED, headers)
            part = part_of(request, digest, size)
            undo.pop_all()  # who sends it closes it
        if part is None:
            return Response(HTTPStatus.OK, headers, FilePart(file, 0, size))
        first, last = part
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        return Response(HTTPStatus.PARTIAL_CONTENT, headers, FilePart(file, first, last - first + 1))

    def delete_blob(self, request: Request, name: str, digest: str) -> Response:
        """Take a blob from a repository (end-10)."""
        self.files.unlink_blob(name, digest)
        return Response(HTTPStatus.ACCEPTED)

    def post_upload(self, request: Request, name: str) -> Response:
        """Begin an upload, or have it done at once: with a body, or with another repository's blob (end-4, end-11)."""
        return uploads.begin(self.files, request, name)

    def get_upload(self, request: Request, name: str, number: str) -> Response:
        """Say how much of an upload has come (end-13)."""
        return uploads.progress(self.files.upload(name, number), HTTPStatus.NO_CONTENT)

    def patch_upload(self, request: Request, name: str, number: str) -> Response:
        """Take a piece of an upload (end-5)."""
        return uploads.append(self.files.upload(name, number), request)

    def put_upload(self, request: Request, name: str, number: str) -> Response:
        """Take the last piece, and make the upload a blob (end-6)."""
        return uploads.finish(self.files, self.files.upload(name, number), request)

    def delete_upload(self, request: Request, name: str, number: str) -> Response:
        """Drop an upload."""
        self.files.upload(name, number).cancel()
        return Response(HTTPStatus.NO_CONTENT)

    # --- manifests

    def get_manifest(self, request: Request, name: str, reference: str) -> Response:
        """Send a manifest (end-3)."""
        return self.manifest_response(request, *self.files.manifest(name, reference))

    def manifest_response(self, request: Request, digest: str, media_type: str, content: bytes) -> Response:
        """Return a manifest as it is sent."""
        headers = {"Docker-Content-Digest": digest, "Content-Type": media_type, "ETag": f'"{digest}"'}
        if _known(request, digest):
            return Response(HTTPStatus.NOT_MODIFIED, headers)
        return Response(HTTPStatus.OK, headers, content)

    def put_manifest(self, request: Request, name: str, reference: str) -> Response:
        """Take a manifest whose parts are here already, under a tag or its digest (end-7)."""
        self.files.repository(name)
        content = request.body.read_at_most(MANIFEST_MAX)
        with self._reading:
            manifest = read_manifest(content, request.headers.get("content-type", ""), reference, request.every("tag"))
        with self.files.changing():
            manifest.check_parts(self.files, name)
            self.files.put_manifest(name, manifest.digest, manifest.media_type, content)
        headers = {
            "Location": f"/v2/{name}/manifests/{manifest.digest}",
            "Docker-Content-Digest": manifest.digest,
        }
        if manifest.subject:
            self.files.refer(name, manifest.subject, manifest.digest)
            headers["OCI-Subject"] = manifest.subject
        for tag in manifest.tags:
            self.files.tag(name, tag, manifest.digest)
        if ":" in reference and manifest.tags:
            headers["OCI-Tag"] = ", ".join(manifest.tags)
        return Response(HTTPStatus.CREATED, headers)

    def delete_manifest(self, request: Request, name: str, reference: str) -> Response:
        """Forget a manifest, or a tag (end-9)."""
        if ":" in reference:
            self.files.delete_manifest(name, reference)
        else:
            self.files.known(name)
            self.files.untag(name, reference)
        return Response(HTTPStatus.ACCEPTED)

    def get_tags(self, request: Request, name: str) -> Response:
        """List a repository's tags (end-8)."""
        return self.tags_response(request, name, self.files.tags(name))

    def tags_response(self, request: Request, name: str, all_tags: list[str]) -> Response:
        """Return a list of tags as it is sent: of these, a page."""
        tags, more = page_of(all_tags, request)
        return _json({"name": name, "tags": tags}, next_page(f"/v2/{name}/tags/list", tags, request) if more else {})

    def get_referrers(self, request: Request, name: str, digest: str) -> Response:
        """List the manifests that are about one, which need not be here (end-12)."""
        self.files.repository(name)
        found, last = referrers_of(self.files, name, checked(digest), request)
        headers = {"Content-Type": REFERRERS}
        if request.query.get("artifactType"):
            headers["OCI-Filters-Applied"] = "artifactType"
        if last:
            headers |= next_page(f"/v2/{name}/referrers/{digest}", [last], request)
        return _json({"schemaVersion": 2, "mediaType": REFERRERS, "manifests": found}, headers)


def blob_headers(digest: str) -> dict[str, str]:
    """Return what is said of a blob, however much of it is sent."""
    return {
        "Docker-Content-Digest": digest,
        "Content-Type": "application/octet-stream",
        "ETag": f'"{digest}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "max-age=31536000",
    }


def _json(value: Any, headers: Mapping[str, str] = {}) -> Response:
    return Response(HTTPStatus.OK, {"Content-Type": "application/json", **headers}, json.dumps(value).encode())


def _known(request: Request, digest: str) -> bool:
    """Return whether the client has it already: If-None-Match (RFC 9110)."""
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return f'"{digest}"' in tags or "*" in tags


def part_of(request: Request, digest: str, size: int) -> tuple[int, int] | None:
    """Return the first and last byte that are wanted; None for all, as of any HEAD (RFC 9110, Range). Raises NoSuchRange."""
    header = request.headers.get("range", "").replace(" ", "") if request.method == "GET" else ""
    match = RANGE.fullmatch(header)
    if match is None or match.groups() == ("", "") or request.headers.get("if-range", f'"{digest}"') != f'"{digest}"':
        return None
    if match[1]:
        first, last = int(match[1][:19]), min(int(match[2][:19] or size - 1), size - 1)
    else:
        first, last = max(0, size - int(match[2][:19])), size - 1
    if first > last:
        raise errors.RangeNotSatisfiable(header, headers={"Content-Range": f"bytes */{size}"})
    return first, last
