"""Registry client: pull and push manifests and blobs of one repository (distribution-spec, pull and push)."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import IO, Final, NamedTuple
from urllib.parse import quote

from labcore.registry.pusher import BlobUpload
from labcore.registry.retry import number_in
from labcore.registry.transport import Answer, IncompleteBody, RegistryError, Transport
from labcore.registry.urls import shown
from labcore.spec.media import INDEXES, MANIFESTS, SCHEMA_1

KINDS: Final = (*MANIFESTS, *INDEXES)
ACCEPT: Final = ", ".join(KINDS)
MANIFEST_MAX: Final = 4 << 20
PAGES_MAX: Final = 1000
TAGS_MAX: Final = 64 << 20  # bytes of all pages
PROGRESS: Final = 1 << 20  # bytes after which a download that breaks off has a new start
NEXT: Final = re.compile(r'<([^<>]*+)>(?=\s*+;)[^<>]*?;\s*+rel\s*+=\s*+"?next\b', re.IGNORECASE)  # RFC 8288
CHUNK_SIZE: Final = 1 << 18


class Fetched(NamedTuple):
    """A manifest as the registry sent it."""

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

    def wait(self, attempt: int, retry_after: str | None = None) -> None:
        """Wait before the next attempt; return at once after `stop`."""
        self._transport.wait(attempt, retry_after)

    # --- pull

    def manifest(self, reference: str) -> Fetched:
        """Return a manifest by tag or digest. Raises RegistryError, also if its bytes have another digest."""
        path = f"{self._base}/manifests/{reference}"
        content, answer = self._transport.fetch(path, MANIFEST_MAX, headers={"Accept": ACCEPT}, scope=self._pull)
        said = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        algorithm = reference.partition(":")[0] if ":" in reference else "sha256"
        digest = f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
        if ":" in reference and reference != digest:
            raise RegistryError(f"{self._repository}: asked for the manifest {reference} and got {digest}")
        return Fetched(content, _kind(content, said, f"{self._repository}:{reference}"), digest)

    def digest_of(self, reference: str) -> str | None:
        """Return a manifest's digest by HEAD; None if the registry does not send one. Raises RegistryError."""
        path = f"{self._base}/manifests/{reference}"
        with self._transport.request("HEAD", path, headers={"Accept": ACCEPT}, scope=self._pull) as answer:
            return answer.headers.get("Docker-Content-Digest")

    def size_of(self, digest: str) -> int | None:
        """Return a blob's size by HEAD; None if the registry does not send one. Raises RegistryError, also if it is missing."""
        with self._transport.request("HEAD", f"{self._base}/blobs/{digest}", scope=self._pull) as answer:
            return length_of(answer)

    def open_blob(self, digest: str, offset: int = 0) -> Answer:
        """Return the answer to a GET of a blob: from the offset on if its status is 206, else the whole blob.

        Raises RegistryError, also if the answer has another range than the request (RFC 9110, 14.4).
        """
        path = f"{self._base}/blobs/{digest}"
        if not offset:
            return self._transport.request("GET", path, scope=self._pull)
        headers = {"Range": f"bytes={offset}-"}
        answer = self._transport.request("GET", path, headers=headers, scope=self._pull, accepted=(200, 206, 416))
        if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            answer.close()
            return self.open_blob(digest)
        said = answer.headers.get("Content-Range", "")
        if answer.status == HTTPStatus.PARTIAL_CONTENT and not re.match(rf"bytes {offset}-[0-9]", said):
            answer.close()
            raise RegistryError(f"blob {digest}: its bytes from {offset} on were asked for, and {said[:80]!r} comes", 206)
        return answer

    def blob(self, digest: str, size: int, offset: int = 0) -> Iterator[bytes]:
        """Yield a blob from an offset on; a download that breaks off is resumed a few times.

        Raises RegistryError if it has another size.
        """
        failed, gone_on = 0, offset
        while True:
            try:
                for chunk in self._rest(digest, size, offset):
                    offset += len(chunk)
                    yield chunk
                return
            except IncompleteBody:
                failed = 1 if offset - gone_on >= PROGRESS else failed + 1
                if failed >= self._transport.attempts:
                    raise
            gone_on = offset
            self._transport.wait(failed)

    def _rest(self, digest: str, size: int, offset: int) -> Iterator[bytes]:
        """Yield the bytes of one answer. Raises IncompleteBody if the end of the blob is missing."""
        with self.open_blob(digest, offset) as answer:
            skip = offset if answer.status == HTTPStatus.OK else 0  # it sends all, whatever was asked for
            come = offset - skip
            while chunk := answer.read_some(CHUNK_SIZE):
                come += len(chunk)
                if come > size:
                    raise RegistryError(f"blob {digest}: more than the {size} bytes that it has come from {shown(answer.url)}")
                if skip:
                    chunk, skip = chunk[skip:], max(0, skip - len(chunk))
                if chunk:
                    yield chunk
        if come < size:
            raise IncompleteBody(f"blob {digest}: {come} of {size} bytes came")

    def has_blob(self, digest: str) -> bool:
        """Return whether the repository has a blob."""
        with self._transport.request(
            "HEAD", f"{self._base}/blobs/{digest}", scope=self._push, accepted=(200, 404)
        ) as answer:  # fmt: skip
            return answer.status == HTTPStatus.OK

    def tags(self) -> list[str]:
        """Return all tags. Raises RegistryError, also for a list with too many pages or tags."""
        found: list[str] = []
        path: str | None = f"{self._base}/tags/list"
        room = TAGS_MAX
        for _ in range(PAGES_MAX):
            if path is None:
                return found
            content, answer = self._transport.fetch(path, min(MANIFEST_MAX, room), scope=self._pull)
            room -= len(content)
            found += self._tags_in(content)
            following = NEXT.search(", ".join(answer.headers.get_all("Link") or ()))
            path = self._transport.resolve(answer.url, following[1]) if following else None
        raise RegistryError(f"{self._repository}: its list of tags does not end")

    def _tags_in(self, content: bytes) -> list[str]:
        try:
            tags = json.loads(content).get("tags") or []
        except (ValueError, RecursionError, AttributeError):
            tags = None
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise RegistryError(f"{self._repository}: its list of tags cannot be read")
        return tags

    # --- push

    def push_blob(
        self,
        digest: str,
        size: int,
        content: Callable[[], IO[bytes]],
        *,
        source: str | None = None,
        tell: Callable[[int], None] = lambda _: None,
    ) -> str:
        """Push a blob; return how: it existed, was mounted from the repository `source`, or was uploaded.

        `content` opens the blob's bytes, possibly several times; `tell` is called with progress, and may cancel by raising.
        """
        if self.has_blob(digest):
            return "exists"
        sending = BlobUpload(self._transport, f"{self._base}/blobs/uploads/", self._push, size, content, tell)
        with self._begin(digest, source) as answer:
            if answer.status == HTTPStatus.CREATED:
                return "mounted"
            sending.begun_by(answer)
        sending.send(digest)
        return "sent"

    def _begin(self, digest: str, source: str | None) -> Answer:
        """Begin an upload; with a source the blob may be mounted instead."""
        path = f"{self._base}/blobs/uploads/"
        if source:
            query = f"?mount={digest}&from={quote(source, safe='')}"
            scope = f"{self._push} repository:{source}:pull"
            with suppress(RegistryError):  # who may not read there may still write here
                return self._transport.request("POST", path + query, scope=scope, length=0, accepted=(201, 202), retry=False)
        return self._transport.request("POST", path, scope=self._push, length=0, accepted=(202,))

    def push_manifest(self, reference: str, content: bytes, media_type: str) -> None:
        """Push a manifest, whose blobs are there, under a tag or its digest."""
        with self._transport.request(
            "PUT",
            f"{self._base}/manifests/{reference}",
            headers={"Content-Type": media_type},
            body=content,
            scope=self._push,
            accepted=(200, 201, 202),
        ) as answer:
            answer.read_at_most(MANIFEST_MAX)


def length_of(answer: Answer) -> int | None:
    """Return Content-Length; None if it is missing."""
    return number_in(answer, "Content-Length")


def _kind(content: bytes, said: str, name: str) -> str:
    """Return a manifest's media type: Content-Type, or its own `mediaType`. Raises RegistryError for an unknown one."""
    if said in KINDS:
        return said
    if said.startswith(SCHEMA_1):
        raise RegistryError(f"{name} is an image of schema 1, which is too old to be taken")
    try:
        own = json.loads(content).get("mediaType")
    except (ValueError, RecursionError, AttributeError):
        own = None
    if own in KINDS:
        return str(own)
    if said.endswith("json") and isinstance(own, str | None):
        raise RegistryError(f"{name} is no image but a manifest of kind {(own or said)[:200]!r}, which is not known here")
    raise RegistryError(f"{name}: what came is no image but {said or 'of no kind'!r}: is there a registry at that address?")
