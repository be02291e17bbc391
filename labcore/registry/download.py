"""A blob that is on its way from elsewhere, and is read by many while it comes.

Nobody gets its last byte before the whole has the right digest: who reads a wrong one is cut off, and knows it is not whole.
"""

import hashlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import Final

from labcore.registry.client import Client, length_of
from labcore.registry.endpoint import RegistryError
from labcore.registry.transport import AGAIN

CHUNK_SIZE: Final = 1 << 18
ATTEMPTS: Final = 5
READ_TIMEOUT_SECONDS: Final = 120.0  # seconds that a reader waits for the next byte


class Download:
    """Written to a file at `path` by whoever calls `run`; read by any number of others."""

    def __init__(self, client: Client, name: str, digest: str, path: Path) -> None:
        self.name = name  # of the repository that it was first wanted from
        self.digest = digest
        self.size: int | None = None
        self._path = path
        self._client = client
        self._hash = hashlib.new(digest.partition(":")[0])
        self._come = 0
        self._ended = False
        self._failed: Exception | None = None
        self._news = threading.Condition()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        weakref.finalize(self, os.close, self._file)  # when the last reader has done

    @property
    def has_failed(self) -> bool:
        """Whether nobody can have it from here."""
        return self._failed is not None

    # --- the writer

    def run(self, keep: Callable[[Path], None]) -> None:
        """Get all of it, and have `keep` put the file where it belongs. Raises RegistryError, OSError; readers hear of it."""
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
                if attempt == ATTEMPTS or error.status not in (0, *AGAIN) or (error.status == 0 and not self._come):
                    raise
                self._client.wait(attempt, error.retry_after)
        found = f"{self.digest.partition(':')[0]}:{self._hash.hexdigest()}"
        if found != self.digest:
            raise RegistryError(f"blob {self.digest} was asked for, and {found} of {self._come} bytes came")

    def _read_answer(self) -> None:
        with self._client.open_blob(self.digest, self._come) as answer:
            if answer.status == 200 and self._come:  # all again, whatever was asked for
                self._hash = hashlib.new(self.digest.partition(":")[0])
                self._come = 0
            length = length_of(answer)
            if length is not None:
                self._tell(size=self._come + length)
            while chunk := answer.read_some(CHUNK_SIZE):
                if self.size is not None and self._come + len(chunk) > self.size:
                    raise RegistryError(f"blob {self.digest}: more than {self.size} bytes come from {answer.url}", 400)
                self._hash.update(chunk)
                os.pwrite(self._file, chunk, self._come)
                self._tell(come=len(chunk))
        if self.size is not None and self._come < self.size:
            raise RegistryError(f"blob {self.digest}: {self._come} of {self.size} bytes came")

    def _tell(self, *, size: int | None = None, come: int = 0, ended: bool = False, failed: Exception | None = None) -> None:
        with self._news:
            self.size = self.size if size is None else size
            self._come += come
            self._ended = self._ended or ended
            self._failed = self._failed or failed
            self._news.notify_all()

    # --- readers

    def begun(self) -> int | None:
        """Wait until it comes; return its size, None if that is not known. Raises what the writer failed with."""
        with self._news:
            self._news.wait_for(
                lambda: self._come or self._ended or self._failed or self.size is not None, READ_TIMEOUT_SECONDS
            )
            if self._failed:
                raise copy(self._failed)
            return self.size

    def read(self, first: int, length: int | None) -> Iterator[bytes]:
        """Yield bytes as they come: so many of them, or all from there on. Raises ConnectionError if they do not come."""
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
        """Wait until there is something behind this place; return how much may be read there, 0 at the end."""
        with self._news:
            self._news.wait_for(lambda: self._ended or self._failed or self._come - 1 > at, READ_TIMEOUT_SECONDS)
            if self._ended:
                return self._come - at
            if self._failed or self._come - 1 <= at:
                raise ConnectionError(f"blob {self.digest} does not come")
            return self._come - 1 - at
