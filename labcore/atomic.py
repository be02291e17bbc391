"""Atomic writes: a file is there whole or not at all, whatever happens to its writer. A temporary file, fsync, rename.

Light, as procfs.py is.
"""

from __future__ import annotations

import errno
import os

from labcore.locks import Lock, flock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, Self

    from _typeshed import StrPath

INCOMING = ".incoming-"  # how the names of temporary files begin


class PendingFile:
    """A temporary file in a directory, to be written to; `commit` gives it its name, else it goes at the block's end.

    It is locked while its writer lives: `remove_if_abandoned` knows by that what a killed writer has left. `mode` is open(2)'s,
    which the umask lessens. A `durable` one outlives also a crash of the machine. Raises OSError.
    """

    def __init__(self, directory: StrPath, *, mode: int = 0o666, durable: bool = True) -> None:
        self._directory = os.fspath(directory)
        self._durable = durable
        self._named = False
        self.path, self.file = _locked_file(self._directory, mode)

    def commit(self, name: str) -> None:
        """Give the file this name, in one step; a file or a link of that name is replaced."""
        self.file.flush()
        if self._durable:
            os.fsync(self.file.fileno())
        os.rename(self.path, f"{self._directory}/{name}")
        self._named = True
        if self._durable:
            sync_directory(self._directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, and remove it unless it was given its name."""
        try:
            if not self._named:
                os.unlink(self.path)
        except FileNotFoundError:  # with its whole directory
            pass
        finally:
            self.file.close()


def atomic_write(path: StrPath, content: bytes, *, mode: int = 0o666, durable: bool = True) -> None:
    """Write a file, or replace one, or a link, in one step: `PendingFile`. Its directory must be there. Raises OSError."""
    directory, name = os.path.split(os.fspath(path))
    with PendingFile(directory or ".", mode=mode, durable=durable) as pending:
        pending.file.write(content)
        pending.commit(name)


def sync_directory(path: StrPath) -> None:
    """See to it that the names in a directory outlive a crash: fsync(2)."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that syncs no directories: one shared with a virtual machine's host
            raise
    finally:
        os.close(fd)


def remove_if_abandoned(path: StrPath) -> int:
    """Remove a temporary file whose writer is no more; return its size in bytes, 0 if it stays or is gone."""
    try:
        with Lock(path) as lock:
            if not lock.try_acquire():
                return 0
            size = os.fstat(lock.fileno()).st_size
            os.unlink(path)
            return size
    except FileNotFoundError:
        return 0


def _locked_file(directory: str, mode: int) -> tuple[str, BinaryIO]:
    while True:  # before it is locked it may be taken for an abandoned one
        path = f"{directory}/{INCOMING}{os.getpid()}-{os.urandom(6).hex()}"
        file = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb")  # noqa: SIM115
        flock(file)
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()
