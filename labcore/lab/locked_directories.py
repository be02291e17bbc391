"""Locked directories, cgroups among them: removed by others once their maker holds no lock any more, flock(2).

The kernel releases the lock when the maker ends, so trying it tells whether the maker is alive. A PID could not tell: in
another PID namespace it is another process's.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labcore.locks import Lock, is_at


def new_name(prefix: str) -> str:
    """Return a unique name."""
    return prefix + os.urandom(6).hex()


@contextmanager
def locked_directory(make: Callable[[], Path]) -> Iterator[Path]:
    """Make a directory, and hold its lock until the block ends; the caller removes it."""
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
    """Remove the directories whose lock nobody holds: those of processes that were killed."""
    for directory in directories:
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError), Lock(directory, os.O_DIRECTORY) as lock:
            if lock.try_acquire():
                remove(directory)
