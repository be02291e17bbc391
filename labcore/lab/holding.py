"""Directories that live as long as their maker, cgroups among them: it holds a lock on each, flock(2).

Whether the maker is alive is asked of the kernel, by trying that lock. A process number could not tell: in another PID
namespace it is somebody else's.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labcore.locks import Lock, is_at


def new_name(prefix: str) -> str:
    """Return a name that nobody else has."""
    return prefix + os.urandom(6).hex()


@contextmanager
def held(make: Callable[[], Path]) -> Iterator[Path]:
    """Make a directory, and hold it until the block ends; removing it is the caller's."""
    directory, lock = _made_and_locked(make)
    with lock:
        yield directory


def _made_and_locked(make: Callable[[], Path]) -> tuple[Path, Lock]:
    while True:  # until it is locked a sweep may take it for one that nobody holds
        directory = make()
        with suppress(FileNotFoundError):
            lock = Lock(directory, os.O_DIRECTORY)
            if lock.try_acquire() and is_at(lock, directory):
                return directory, lock
            lock.close()


def sweep(directories: Iterable[Path], remove: Callable[[Path], object]) -> None:
    """Remove those of the directories that nobody holds: what a killed process has left."""
    for directory in directories:
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError), Lock(directory, os.O_DIRECTORY) as lock:
            if lock.try_acquire():
                remove(directory)
