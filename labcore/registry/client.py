"""The client's part of the distribution protocol: manifests and blobs, there and back (distribution-spec, pull and push)."""

import hashlib
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import IO, Final, NamedTuple
from urllib.parse import quote

from labcore.registry.manifests import DOCKER_IMAGE, DOCKER_INDEX, OCI_IMAGE, OCI_INDEX, SCHEMA_1
from labcore.registry.transport import Answer, RegistryError, Transport

ACCEPT: Final = ", ".join((OCI_IMAGE, OCI_INDEX, DOCKER_IMAGE, DOCKER_INDEX))
MANIFEST_MAX: Final = 4 << 20
PIECE: Final = 1 << 18


class Fetched(NamedTuple):
    """A manifest as it came."""

    content: bytes
    media_type: str
    digest: str


class Client:
    """A repository of a registry."""

    def __init__(self, transport: Transport, repository: str) -> None:
        self._transport = transport
        self._base = f"/v2/{quote(repository)}"
        self._repository = repository
        self._pull = f"repository:{repository}:pull"
        self._push = f"repository:{repository}:pull,push"

    # --- pull

    def manifest(self, reference: str) -> Fetched:
        """Return a manifest by tag or digest. Raises RegistryError, also if its bytes have another digest than that."""
        path = f"{self._base}/manifests/{reference}"
        with self._transport.request("GET", path, headers={"Accept": ACCEPT}, scope=self._pull) as answer:
            content = answer.read_at_most(MANIFEST_MAX)
            media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        if media_type.startswith(SCHEMA_1):
            raise RegistryError(f"{self._repository}:{reference} is an image of schema 1, which is too old to be taken")
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if reference.startswith("sha256:") and reference != digest:
            raise RegistryError(f"{self._repository}: asked for the manifest {reference} and got {digest}")
        return Fetched(content, media_type, digest)

    def blob(self, digest: str, size: int, offset: int = 0) -> Iterator[bytes]:
        """Yield a blob from an offset on. Raises RegistryError if more or fewer bytes come than it has."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        path = f"{self._base}/blobs/{digest}"
        with self._transport.request("GET", path, headers=headers, scope=self._pull, accepted=(200, 206)) as answer:
            skip = offset if answer.status == HTTPStatus.OK else 0  # it sends all, whatever was asked for
            come = offset - skip
            while chunk := answer.read(PIECE):
                come += len(chunk)
                if come > size:
                    raise RegistryError(f"blob {digest}: more than the {size} bytes that it has come from {answer.url}")
                if skip:
                    chunk, skip = chunk[skip:], max(0, skip - len(chunk))
                if chunk:
                    yield chunk
        if come < size:
            raise RegistryError(f"blob {digest}: {come} of {size} bytes came")

    def has_blob(self, digest: str) -> bool:
        """Return whether the repository has a blob."""
        with self._transport.request(
            "HEAD", f"{self._base}/blobs/{digest}", scope=self._push, accepted=(200, 404)
        ) as answer:  # fmt: skip
            return answer.status == HTTPStatus.OK

    def tags(self) -> list[str]:
        """Return all tags."""
        found: list[str] = []
        path: str | None = f"{self._base}/tags/list"
        while path:
            with self._transport.request("GET", path, scope=self._pull) as answer:
                import json

                found += json.loads(answer.read_at_most(MANIFEST_MAX)).get("tags") or []
                link = answer.headers.get("Link", "")
                path = link[link.index("<") + 1 : link.index(">")] if 'rel="next"' in link else None
        return found

    # --- push

    def push_blob(self, digest: str, size: int, content: Callable[[], IO[bytes]], *, source: str | None = None) -> str:
        """Have a blob in the repository; return how: it was there, was mounted from `source`, or has been sent."""
        if self.has_blob(digest):
            return "exists"
        query = f"?mount={digest}&from={quote(source, safe='')}" if source else ""
        path = f"{self._base}/blobs/uploads/{query}"
        with self._transport.request("POST", path, scope=self._push, length=0, accepted=(201, 202)) as answer:
            if answer.status == HTTPStatus.CREATED:
                return "mounted"
            place = _place(answer)
        end = f"{place}{'&' if '?' in place else '?'}digest={digest}"
        headers = {"Content-Type": "application/octet-stream"}
        with self._transport.request(
            "PUT", end, headers=headers, body=content, length=size, scope=self._push, accepted=(201, 204)
        ) as answer:  # fmt: skip
            answer.read_at_most(MANIFEST_MAX)
        return "sent"

    def push_manifest(self, reference: str, content: bytes, media_type: str) -> None:
        """Store a manifest, whose parts are there, under a tag or its digest."""
        with self._transport.request(
            "PUT",
            f"{self._base}/manifests/{reference}",
            headers={"Content-Type": media_type},
            body=content,
            scope=self._push,
            accepted=(200, 201, 202),
        ) as answer:
            answer.read_at_most(MANIFEST_MAX)


def _place(answer: Answer) -> str:
    location = answer.headers.get("Location")
    answer.read_at_most(MANIFEST_MAX)
    if not location:
        raise RegistryError(f"{answer.url}: the registry does not say where to send the blob")
    return str(location)
