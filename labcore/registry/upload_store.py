"""Upload store: one file for each upload, until it becomes a blob."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Final

from labcore.locks import flock, is_at
from labcore.registry.errors import DigestInvalid, UploadBusy, UploadUnknown
from labcore.registry.names import checked

ABANDONED: Final = 24 * 3600  # seconds after which an upload that nobody went on with is dropped
NOT_BEGUN: Final = 3600  # … of which not one byte has come


class Upload:
    """An upload to the repository `name`; its number is valid in that repository only."""

    def __init__(self, directory: Path, name: str, number: str) -> None:
        self.name = name
        self.number = number
        self.path = directory / f"{number}-{_mark(name)}"

    @property
    def size(self) -> int:
        """How many bytes were received. Raises UploadUnknown."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            raise UploadUnknown(self.number) from None

    @contextmanager
    def appending(self) -> Iterator[FileIO]:
        """Open it for appending, exclusively; after an error it is truncated to its former size.

        Raises UploadUnknown, UploadBusy.
        """
        with self._opened() as file:
            if not flock(file, wait=False):
                raise UploadBusy(self.number)
            if not is_at(file, self.path):  # it became a blob before the lock was ours: not one byte may follow
                raise UploadUnknown(self.number)
            size = os.fstat(file.fileno()).st_size
            try:
                yield file
            except BaseException:
                os.ftruncate(file.fileno(), size)
                raise

    def _opened(self) -> FileIO:
        """Open it without a buffer, which would be flushed after truncation."""
        try:
            return os.fdopen(os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC), "r+b", buffering=0)
        except FileNotFoundError:
            raise UploadUnknown(self.number) from None

    def cancel(self) -> None:
        """Remove it."""
        self.path.unlink(missing_ok=True)


def verify(file: FileIO, digest: str) -> None:
    """Flush a file to disk and verify its digest. Raises DigestInvalid."""
    algorithm = checked(digest).partition(":")[0]
    os.fsync(file.fileno())
    file.seek(0)
    found = f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
    if found != digest:
        raise DigestInvalid(digest, f"the bytes have the digest {found}")


def drop_abandoned(directory: Path) -> None:
    """Remove abandoned uploads."""
    for path in directory.iterdir():
        with suppress(FileNotFoundError):
            status = path.stat()
            if time.time() - status.st_mtime > (ABANDONED if status.st_size else NOT_BEGUN):
                path.unlink()


def under_way(directory: Path, since: float) -> Callable[[str], bool]:
    """Return a predicate: has a repository an upload that received bytes since that time?"""
    marks = set()
    for path in directory.iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime > since:
                marks.add(path.name.rpartition("-")[2])
    return lambda name: _mark(name) in marks


def _mark(name: str) -> str:
    """Return the part of uploads' file names that stands for a repository."""
    return hashlib.sha256(name.encode()).hexdigest()[:8]
