"""Atomic writes: temporary file, fsync, rename; and file locks, flock(2)."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

INCOMING = ".incoming-"


@contextmanager
def incoming(directory: Path) -> Iterator[tuple[BinaryIO, Callable[[str], None]]]:
    """Yield a temporary file and the function that renames it to its final name: readers see all of it or nothing.

    The writer holds a lock on the file (flock(2)): one whose lock is free was left by a writer that was killed.
    """
    path = directory / f"{INCOMING}{os.getpid()}-{os.urandom(6).hex()}"
    try:
        with path.open("xb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)

            def keep_as(name: str) -> None:
                file.flush()
                os.fsync(file.fileno())
                path.rename(directory / name)
                sync_directory(directory)

            yield file, keep_as
    finally:
        path.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, or replace it."""
    with incoming(path.parent) as (file, keep_as):
        file.write(content)
        keep_as(path.name)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable: fsync(2)."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def locked(path: Path, how: int) -> Iterator[None]:
    """Hold a lock on a file or directory until the block or the process ends: flock(2)'s LOCK_SH or LOCK_EX."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, how)
        yield
    finally:
        os.close(fd)


def remove_if_abandoned(path: Path) -> int:
    """Remove a temporary file whose writer was killed; return its size, 0 if it stays or is gone."""
    with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        size = os.fstat(file.fileno()).st_size
        path.unlink()
        return size
    return 0
