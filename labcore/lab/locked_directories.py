"""Directories that live as long as their maker, cgroups among them: it holds a lock on each, flock(2).

Whether the maker is alive is asked of the kernel, by trying that lock. A process number could not tell: in another PID
namespace it is somebody else's.
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
    """Return a name that nobody else has."""
    return prefix + os.urandom(6).hex()


@contextmanager
def held(make: Callable[[], Path]) -> Iterator[Path]:
    """Make a directory, and hold it until the block ends; removing it is the caller's."""
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
    """Remove those of the directories that nobody holds: what a killed process has left."""
    for directory in directories:
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            lock = os.open(directory, OPEN)
            try:
                with suppress(BlockingIOError):
                    fcntl.flock(lock, NOW)
                    remove(directory)
            finally:
                os.close(lock)
