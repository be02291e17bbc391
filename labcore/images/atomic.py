"""Files that are there whole or not at all, whatever happens to their writer: temp, fsync, rename."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

INCOMING = ".incoming-"


@contextmanager
def incoming(directory: Path) -> Iterator[tuple[BinaryIO, Callable[[str], None]]]:
    """Yield a new file and the function that gives it its name, in one step: a reader, or a crash, sees all of it or none.

    The file is locked while its writer lives (flock(2)): what a killed writer leaves behind is known by that.
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
    """See to it that the names in a directory outlive a crash: fsync(2)."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def remove_if_abandoned(path: Path) -> int:
    """Remove a file whose writer is no more; return its size, 0 if it stays or is gone."""
    with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        size = os.fstat(file.fileno()).st_size
        path.unlink()
        return size
    return 0
