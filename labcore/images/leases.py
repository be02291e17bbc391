"""Leases: what somebody is using is not garbage, though no name leads to it yet, or any more.

A lease is a file that its owner holds locked, with a line for each digest. Its death, of whatever kind, releases the lock; the
next collection then removes the file.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from labcore.locks import Lock, flock


class Leases:
    """The leases below one directory; through one of them this object's owner notes what it uses."""

    def __init__(self, directory: Path) -> None:
        self._store = directory
        self.directory = directory / "leases"
        self._mine: IO[str] | None = None
        self._users = 0
        self._lock = threading.Lock()

    @contextmanager
    def using(self) -> Iterator[None]:
        """Keep from now on, until the block ends, all that is noted. Blocks may overlap and nest."""
        with self._lock:
            if self._mine is None:
                self._mine = self._open()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    Path(self._mine.name).unlink(missing_ok=True)
                    self._mine.close()
                    self._mine = None

    def note(self, digest: str) -> None:
        """Say that a blob is used; a collection that is under way is waited for. Outside of `using` it says nothing."""
        if not self._users:
            return
        with Lock(self._store).acquire(shared=True), self._lock:
            if self._mine is not None:
                self._mine.write(digest + "\n")
                self._mine.flush()

    def noted(self) -> set[str]:
        """Return what is used by anybody; remove the leases of the dead. For a collection, which keeps others from noting."""
        digests: set[str] = set()
        for path in self.directory.glob("*"):
            with suppress(FileNotFoundError), path.open("r") as lease:
                if flock(lease, wait=False):
                    path.unlink()
                else:
                    digests |= set(lease.read().split())
        return digests

    def _open(self) -> IO[str]:
        self.directory.mkdir(parents=True, exist_ok=True)
        with Lock(self._store).acquire(shared=True):  # no collection sees it before it is locked
            file = (self.directory / f"{os.getpid()}-{os.urandom(6).hex()}").open("x")
            flock(file)
            return file
