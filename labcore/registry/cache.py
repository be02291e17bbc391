"""Pull-through cache: a read-only registry that downloads what clients ask for from an upstream registry, once for all.

Blobs and manifests are stored as any registry's. A tag is resolved again at the upstream after some time, and keeps its last
digest if the upstream does not answer; digests never change.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from labcore.http import Request, Response, SizedStream
from labcore.registry import errors
from labcore.registry.client import Client
from labcore.registry.credentials import Credentials
from labcore.registry.download import Download, Downloads
from labcore.registry.endpoint import Endpoint, RegistryError
from labcore.registry.names import checked
from labcore.registry.server import Registry, Settings, blob_headers, part_of
from labcore.registry.transport import Transport

FRESH: Final = 60.0  # seconds for which a tag is believed
ASK_AGAIN: Final = 5.0  # seconds until somebody who was away is asked again
ATTEMPTS: Final = 3


class Cache(Registry):
    """Answers as a registry does. `max_bytes` bounds the stored blobs; the least recently used go first."""

    def __init__(
        self,
        root: Path,
        upstream: Endpoint,
        credentials: Credentials | None = None,
        settings: Settings | None = None,
        *,
        fresh: float = FRESH,
        max_bytes: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(root, (settings or Settings()).replace(read_only=True))
        self._transport = Transport(upstream, credentials, attempts=ATTEMPTS)
        self._fresh = fresh
        self._clock = clock
        self._lock = threading.Lock()
        self._downloads = Downloads(self.files, self._client, max_bytes)
        self._believed: dict[tuple[str, str], float] = {}  # repository, tag -> until when
        self._turns: WeakValueDictionary[tuple[str, str], threading.Lock] = WeakValueDictionary()

    def close(self) -> None:
        """End downloads that are under way; their readers get an error."""
        self._transport.stop()
        self._transport.close()

    # --- endpoints

    def get_manifest(self, request: Request, name: str, reference: str) -> Response:
        """Send a manifest, from the upstream if it is not here or its tag has expired."""
        self.files.repository(name)
        with self._turn(name, reference):
            if ":" in reference:
                self._have(name, checked(reference))
            else:
                self._renew(name, reference)
        digest, media_type, content = self.files.manifest(name, reference)
        self._use(digest)
        return self.manifest_response(request, digest, media_type, content)

    def get_blob(self, request: Request, name: str, digest: str) -> Response:
        """Send a blob; one that is not here is sent while it is downloaded."""
        self.files.repository(name)
        try:
            self.files.blob(name, checked(digest))
        except errors.BlobUnknown:
            if request.method == "HEAD":
                size = self._size(name, digest)
                length = {} if size is None else {"Content-Length": str(size)}
                return Response(HTTPStatus.OK, blob_headers(digest) | length)
            if (download := self._download(name, digest)) is not None:
                return self._coming(request, download)
        self._use(digest)
        return super().get_blob(request, name, digest)

    def get_tags(self, request: Request, name: str) -> Response:
        """List a repository's tags at the upstream; those that are here if it does not answer."""
        self.files.repository(name)
        try:
            return self.tags_response(request, name, sorted(self._client(name).tags()))
        except RegistryError as error:
            if not _away(error):
                raise _problem(error, errors.NameUnknown(name)) from None
        return super().get_tags(request, name)

    # --- manifests

    def _have(self, name: str, digest: str) -> None:
        try:
            self.files.manifest(name, digest)
        except (errors.ManifestUnknown, errors.NameUnknown):
            self._get_manifest(name, digest)

    def _renew(self, name: str, tag: str) -> None:
        """Resolve a tag at the upstream, and store its digest."""
        known = self._known(name, tag)
        if known and self._clock() < self._believed.get((name, tag), 0):
            return
        believe = self._fresh
        try:
            if not known or self._client(name).digest_of(tag) != known:
                self.files.tag(name, tag, self._get_manifest(name, tag))
        except RegistryError as error:
            if error.status == HTTPStatus.NOT_FOUND and known:
                self.files.untag(name, tag)
            if not known or not _away(error):
                raise _problem(error, errors.ManifestUnknown(tag)) from None
            believe = min(ASK_AGAIN, self._fresh)
        self._believed[name, tag] = self._clock() + believe

    def _known(self, name: str, tag: str) -> str | None:
        try:
            return self.files.manifest(name, tag)[0]
        except (errors.ManifestUnknown, errors.NameUnknown):
            return None

    def _get_manifest(self, name: str, reference: str) -> str:
        try:
            fetched = self._client(name).manifest(reference)
        except RegistryError as error:
            if ":" not in reference:
                raise
            raise _problem(error, errors.ManifestUnknown(reference)) from None
        self.files.put_manifest(name, fetched.digest, fetched.media_type, fetched.content)
        return fetched.digest

    # --- blobs

    def _size(self, name: str, digest: str) -> int | None:
        try:
            return self._client(name).size_of(digest)
        except RegistryError as error:
            raise _problem(error, errors.BlobUnknown(digest)) from None

    def _download(self, name: str, digest: str) -> Download | None:
        """Return the download of a blob, started if it was not; None if another repository had the blob already."""
        download = self._downloads.of(name, digest, anew=False)
        if download and download.name == name:
            return download
        if not (self.files.repository(name) / "_blobs" / digest).exists():
            self._size(name, digest)  # it may be in another repository than this one, for whoever asks here
        if download:
            return download
        return None if self.files.mount_blob(name, digest) else self._downloads.of(name, digest, anew=True)

    def _coming(self, request: Request, download: Download) -> Response:
        try:
            size = download.begun()
        except (RegistryError, OSError) as error:
            raise _problem(error, errors.BlobUnknown(download.digest)) from None
        headers = blob_headers(download.digest)
        if size is None:
            return Response(HTTPStatus.OK, headers, download.read(0, None))
        part = part_of(request, download.digest, size)
        if part is None:
            return Response(HTTPStatus.OK, headers, SizedStream(download.read(0, size), size))
        first, last = part
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        length = last - first + 1
        return Response(HTTPStatus.PARTIAL_CONTENT, headers, SizedStream(download.read(first, length), length))

    def _use(self, digest: str) -> None:
        with suppress(OSError):
            os.utime(self.files.blob_path(digest))

    def _client(self, name: str) -> Client:
        return Client(self._transport, name)

    def _turn(self, name: str, reference: str) -> threading.Lock:
        """Return the lock for one manifest: only one request of several asks the upstream for it."""
        with self._lock:
            turn = self._turns.get((name, reference))
            if turn is None:
                turn = self._turns[name, reference] = threading.Lock()
            return turn


def _away(error: RegistryError) -> bool:
    return error.status == 0 or error.status == HTTPStatus.TOO_MANY_REQUESTS or error.status >= 500


def _problem(error: Exception, unknown: errors.RegistryError) -> errors.RegistryError:
    """Return the error for our clients when the upstream has failed."""
    if errors.InsufficientStorage.matches(error):
        return errors.InsufficientStorage("", "whoever runs it has to make room: labcore registry serve --keep")
    status = error.status if isinstance(error, RegistryError) else 0
    if status == HTTPStatus.NOT_FOUND:
        return unknown
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return errors.UpstreamDenied(str(error))
    if status == HTTPStatus.TOO_MANY_REQUESTS and isinstance(error, RegistryError):
        return errors.TooManyRequests(str(error), headers={"Retry-After": error.retry_after} if error.retry_after else {})
    return errors.UpstreamUnavailable(str(error))
