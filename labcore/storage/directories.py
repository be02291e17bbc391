"""Atomic creation and removal of directories: complete or absent, also if the process that does it is killed."""

from __future__ import annotations

import errno
import os
import re
from contextlib import contextmanager, suppress
from itertools import count

from labcore.atomic import sync_directory
from labcore.errors import InvalidInput
from labcore.locks import Lock, is_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Final

UNFINISHED: Final = ".unfinished-"  # what is being made or removed; locked while whoever does it lives
NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def checked_name(name: str, what: str) -> str:
    """Return a name that can be a directory's, docker's rule. Raises InvalidInput."""
    if not NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is no name of a {what}: use letters, digits, and behind the first also _ . -")
    return name


@contextmanager
def created_whole(parent: Path, name: str, what: str) -> Iterator[Path]:
    """Yield a new directory to be filled, which is renamed at the block's end. Raises InvalidInput if the name is taken."""
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    place, lock = _locked_directory(parent)
    try:
        yield place
        os.fsync(lock.fileno())
        place.rename(parent / name)
        sync_directory(parent)
    except OSError as error:
        remove_tree(place)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST) and (parent / name).exists():
            raise InvalidInput(f"there is a {what} {name} already") from None
        raise
    except BaseException:
        remove_tree(place)
        raise
    finally:
        lock.close()


@contextmanager
def temporary(parent: Path) -> Iterator[Path]:
    """Yield a new directory, root's alone, that is gone when the block ends; after a killed process `sweep` removes it."""
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    place, lock = _locked_directory(parent)
    try:
        yield place
    finally:
        remove_tree(place)
        lock.close()


def _locked_directory(parent: Path) -> tuple[Path, Lock]:
    while True:  # before it is locked it may be taken for one that a killed process has left
        place = _unfinished(parent)
        place.mkdir(mode=0o700)
        with suppress(FileNotFoundError):
            lock = Lock(place, OPEN).acquire()
            if is_at(lock, place):
                return place, lock
            lock.close()


def remove(directory: Path) -> None:
    """Remove a directory recursively: its name is gone at once, the rest also if this process is killed (`sweep`)."""
    place = _unfinished(directory.parent)
    with Lock(directory, OPEN) as lock:
        lock.try_acquire()  # unless the caller has locked it by a descriptor of his own
        directory.rename(place)
        remove_tree(place)


def sweep(parent: Path) -> None:
    """Remove what processes that were killed have left of directories that they made or removed."""
    for place in parent.glob(f"{UNFINISHED}*"):
        with suppress(FileNotFoundError), Lock(place, OPEN) as lock:
            if lock.try_acquire():
                remove_tree(place)


def remove_tree(top: Path | bytes | str, *, parent: int | None = None) -> None:
    """Remove a directory recursively, however deep it is: nothing here recurses on the stack.

    Subdirectories that are not empty are moved up to the top, so that no path gets longer than two names. Others may remove
    files at the same time. `parent` is the open directory that `top` is looked up in.
    """
    with suppress(FileNotFoundError):
        fd = os.open(top, OPEN, dir_fd=parent)
        try:
            numbers = count()
            while entries := _entries(fd):
                for entry in entries:
                    with suppress(FileNotFoundError):
                        _remove_entry(fd, entry, numbers)
        finally:
            os.close(fd)
        os.rmdir(top, dir_fd=parent)


def _remove_entry(top: int, entry: os.DirEntry[str], numbers: Iterator[int]) -> None:
    if not entry.is_dir(follow_symlinks=False):
        os.unlink(entry.name, dir_fd=top)
        return
    below = os.open(entry.name, OPEN, dir_fd=top)
    try:
        for inner in _entries(below):
            if not inner.is_dir(follow_symlinks=False):
                os.unlink(inner.name, dir_fd=below)
            elif not _removed_if_empty(below, inner.name):
                _lift(below, inner.name, top, numbers)
    finally:
        os.close(below)
    os.rmdir(entry.name, dir_fd=top)


def _entries(fd: int) -> list[os.DirEntry[str]]:
    with os.scandir(fd) as entries:
        return list(entries)


def _lift(below: int, inner: str, top: int, numbers: Iterator[int]) -> None:
    """Move a directory up, under a free name."""
    while True:
        lifted = f"{UNFINISHED}{os.getpid()}-{next(numbers)}"
        try:
            os.stat(lifted, dir_fd=top, follow_symlinks=False)
        except FileNotFoundError:
            os.rename(inner, lifted, src_dir_fd=below, dst_dir_fd=top)
            return


def _removed_if_empty(parent: int, name: str) -> bool:
    try:
        os.rmdir(name, dir_fd=parent)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        return False
    return True


def _unfinished(parent: Path) -> Path:
    return parent / f"{UNFINISHED}{os.getpid()}-{os.urandom(6).hex()}"
