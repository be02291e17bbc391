"""Downloads of a pull-through cache: each blob is downloaded once, and read by many clients while it arrives.

A client gets the last byte only after the digest was verified: for a wrong blob its connection breaks off before the end.
"""

import hashlib
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Final

from labcore.registry.client import Client, length_of
from labcore.registry.endpoint import RegistryError
from labcore.registry.store import Files
from labcore.registry.transport import RETRIED_STATUSES
from labcore.registry.upload_store import drop_abandoned

LOG: Final = logging.getLogger(__name__)
CHUNK_SIZE: Final = 1 << 18
ATTEMPTS: Final = 5
READ_TIMEOUT_SECONDS: Final = 120.0  # seconds that a reader waits for the next byte


class Download:
    """One download: the caller of `run` writes it to a file at `path`; any number of threads read it meanwhile."""

    def __init__(self, client: Client, name: str, digest: str, path: Path) -> None:
        self.name = name  # of the repository that was first asked for it
        self.digest = digest
        self.size: int | None = None
        self._path = path
        self._client = client
        self._hash = hashlib.new(digest.partition(":")[0])
        self._received = 0
        self._ended = False
        self._failed: Exception | None = None
        self._changed = threading.Condition()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        weakref.finalize(self, os.close, self._file)  # when the last reader has done

    @property
    def has_failed(self) -> bool:
        """Has the download failed?"""
        return self._failed is not None

    # --- the writer

    def run(self, keep: Callable[[Path], None]) -> None:
        """Download the blob, and call `keep`, which stores the file. Raises RegistryError, OSError, in readers too."""
        try:
            self._get()
            os.fsync(self._file)
            keep(self._path)
            self._tell(ended=True)
        except Exception as error:
            self._path.unlink(missing_ok=True)
            self._tell(failed=copy(error))  # an error that is kept keeps the frames it went through, and these keep the file
            raise

    def _get(self) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._read_answer()
                break
            except RegistryError as error:
                if (
                    attempt == ATTEMPTS
                    or error.status not in (0, *RETRIED_STATUSES)
                    or (error.status == 0 and not self._received)
                ):
                    raise
                self._client.wait(attempt, error.retry_after)
        found = f"{self.digest.partition(':')[0]}:{self._hash.hexdigest()}"
        if found != self.digest:
            raise RegistryError(f"blob {self.digest} was asked for, and {found} of {self._received} bytes came")

    def _read_answer(self) -> None:
        with self._client.open_blob(self.digest, self._received) as answer:
            if answer.status == 200 and self._received:  # all again, whatever was asked for
                self._hash = hashlib.new(self.digest.partition(":")[0])
                self._received = 0
            length = length_of(answer)
            if length is not None:
                self._tell(size=self._received + length)
            while chunk := answer.read_some(CHUNK_SIZE):
                if self.size is not None and self._received + len(chunk) > self.size:
                    raise RegistryError(f"blob {self.digest}: more than {self.size} bytes come from {answer.url}", 400)
                self._hash.update(chunk)
                os.pwrite(self._file, chunk, self._received)
                self._tell(come=len(chunk))
        if self.size is not None and self._received < self.size:
            raise RegistryError(f"blob {self.digest}: {self._received} of {self.size} bytes came")

    def _tell(self, *, size: int | None = None, come: int = 0, ended: bool = False, failed: Exception | None = None) -> None:
        with self._changed:
            self.size = self.size if size is None else size
            self._received += come
            self._ended = self._ended or ended
            self._failed = self._failed or failed
            self._changed.notify_all()

    # --- readers

    def begun(self) -> int | None:
        """Wait until it has begun; return its size, None if that is not known. Raises the writer's error."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._received or self._ended or self._failed or self.size is not None, READ_TIMEOUT_SECONDS
            )
            if self._failed:
                raise copy(self._failed)
            return self.size

    def read(self, first: int, length: int | None) -> Iterator[bytes]:
        """Yield bytes as they arrive, `length` of them or all to the end. Raises ConnectionError if they do not arrive."""
        at = first
        while length is None or at < first + length:
            ready = self._ready(at)
            if not ready:
                return
            wanted = CHUNK_SIZE if length is None else min(CHUNK_SIZE, first + length - at)
            piece = os.pread(self._file, min(wanted, ready), at)
            if not piece:
                raise ConnectionError("it has become shorter")
            at += len(piece)
            yield piece

    def _ready(self, at: int) -> int:
        """Wait for bytes at this offset; return how many may be read there, 0 at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._failed or self._received - 1 > at, READ_TIMEOUT_SECONDS)
            if self._ended:
                return self._received - at
            if self._failed or self._received - 1 <= at:
                raise ConnectionError(f"blob {self.digest} does not come")
            return self._received - 1 - at


class Downloads:
    """Active downloads by digest. `client_of` returns a repository's client; `max_bytes` bounds the stored blobs."""

    def __init__(self, files: Files, client_of: Callable[[str], Client], max_bytes: int | None) -> None:
        drop_abandoned(files.uploads)
        self._files = files
        self._client_of = client_of
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._active: dict[str, Download] = {}

    def of(self, name: str, digest: str, *, anew: bool) -> Download | None:
        """Return the download of a blob, started if it was not; None if the blob is here, unless it is wanted `anew`."""
        with self._lock:
            download = self._active.get(digest)
            if download and not download.has_failed:
                return download
            if self._files.blob_path(digest).exists() and not anew:
                return None
            path = self._files.uploads / digest.replace(":", "-")
            download = self._active[digest] = Download(self._client_of(name), name, digest, path)
        threading.Thread(target=self._run, args=(download,), daemon=True).start()
        return download

    def _run(self, download: Download) -> None:
        try:
            download.run(lambda path: self._files.adopt_blob(download.name, download.digest, path))
            self._make_room(download.digest)
        except RegistryError:
            pass  # its readers raise it
        except OSError as error:
            LOG.error("blob %s was not kept: %s", download.digest, error)
        finally:
            with self._lock:
                if self._active.get(download.digest) is download:
                    del self._active[download.digest]

    def _make_room(self, new: str) -> None:
        """Remove the least recently used blobs until the rest is within the bound."""
        if self._max_bytes is None:
            return
        kept = []
        for path in (self._files.root / "blobs").glob("*/*"):
            with suppress(FileNotFoundError):
                status = path.stat()
                kept.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in kept)
        with self._files.changing(alone=True):
            for _, size, path in sorted(kept):
                if total > self._max_bytes and f"{path.parent.name}:{path.name}" != new:
                    path.unlink(missing_ok=True)
                    total -= size
