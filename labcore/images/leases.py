"""Leases: keep blobs in use from garbage collection while no tag refers to them (containerd's leases).

A lease is a file that its owner holds locked, with a line for each digest. The kernel releases the lock when the owner ends;
the next collection removes the file.
"""

from __future__ import annotations

import errno
import os
from _thread import allocate_lock  # `threading` imports more
from contextlib import contextmanager, suppress
from pathlib import Path

from labcore.disk_space import room_for
from labcore.locks import Lock, flock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO


class Leases:
    """The leases below one directory, one of which is this object's own."""

    def __init__(self, directory: Path) -> None:
        self._store = directory
        self._mine: FileIO | None = None
        self._users = 0
        self._noted: set[str] = set()
        self._lock = allocate_lock()

    @property
    def directory(self) -> Path:
        """Where they lie."""
        return self._store / "leases"

    @contextmanager
    def using(self) -> Iterator[None]:
        """Hold the lease until the block ends. Blocks may overlap and nest."""
        with self._lock:
            if self._mine is None:
                self._mine = self._open()
                self._noted = set()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    Path(str(self._mine.name)).unlink(missing_ok=True)
                    self._mine.close()
                    self._mine = None

    def note(self, digest: str) -> None:
        """Add a blob to the lease; waits for a collection that is under way. Does nothing outside of `using`."""
        if not self._users or digest in self._noted:
            return
        with Lock(self._store).acquire(shared=True), self._lock:
            if self._mine is not None:
                _append(self._mine, f"\n{digest}\n".encode())  # also behind a part of one
                self._noted.add(digest)

    def noted(self) -> set[str]:
        """Return the digests of all leases; remove those whose owner is gone. For collections, which hold the store lock."""
        digests: set[str] = set()
        for path in self.directory.glob("*"):
            with suppress(FileNotFoundError), path.open("r") as lease:
                if flock(lease, wait=False):
                    path.unlink()
                else:
                    digests |= set(lease.read().split())
        return digests

    def _open(self) -> FileIO:
        self.directory.mkdir(parents=True, exist_ok=True)
        with Lock(self._store).acquire(shared=True):  # no collection sees it before it is locked
            file = (self.directory / f"{os.getpid()}-{os.urandom(6).hex()}").open("xb", buffering=0)
            flock(file)
            return file


def _append(lease: FileIO, line: bytes) -> None:
    """Write a line. Raises StoreFull."""
    with room_for("a lease", Path(str(lease.name)).parent):
        if lease.write(line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
