"""Locked directories, cgroups among them: removed by others once their maker holds no lock any more, flock(2).

The kernel releases the lock when the maker ends, so trying it tells whether the maker is alive. A PID could not tell: in
another PID namespace it is another process's.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
NOW: Final = fcntl.LOCK_EX | fcntl.LOCK_NB


def new_name(prefix: str) -> str:
    """Return a unique name."""
    return prefix + os.urandom(6).hex()


@contextmanager
def locked_directory(make: Callable[[], Path]) -> Iterator[Path]:
    """Make a directory, and hold its lock until the block ends; the caller removes it."""
    directory, lock = _made_and_locked(make)
    try:
        yield directory
    finally:
        os.close(lock)


def _made_and_locked(make: Callable[[], Path]) -> tuple[Path, int]:
    while True:  # until it is locked a sweep may take it for one that nobody holds
        directory = make()
        with suppress(FileNotFoundError):
            lock = os.open(directory, OPEN)
            with suppress(BlockingIOError, FileNotFoundError):
                fcntl.flock(lock, NOW)
                if os.path.sameopenfile(lock, again := os.open(directory, OPEN)):
                    os.close(again)
                    return directory, lock
                os.close(again)
            os.close(lock)


def sweep(directories: Iterable[Path], remove: Callable[[Path], object]) -> None:
    """Remove the directories whose lock nobody holds: those of processes that were killed."""
    for directory in directories:
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            lock = os.open(directory, OPEN)
            try:
                with suppress(BlockingIOError):
                    fcntl.flock(lock, NOW)
                    remove(directory)
            finally:
                os.close(lock)
