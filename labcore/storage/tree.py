"""Walking an untrusted directory tree that may change meanwhile: one descriptor at a time, no link followed, openat2(2)."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import NamedTuple

from labcore.errors import InvalidInput
from labcore.native import Resolve, openat2
from labcore.storage.whiteouts import is_whiteout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Final

DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
GONE: Final = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
OWN_ATTRIBUTES: Final = ("trusted.", "user.overlay.")  # overlayfs's notes are no part of a file
MAX_PATH_BYTES: Final = (
    3584  # bytes of a directory's path: with a name behind it and a store before it, PATH_MAX is not reached
)
ATTEMPTS: Final = 64  # openat2 gives up (EAGAIN) where somebody renames directories at the same time


class Entry(NamedTuple):
    """A name in a tree: its path from the top, what it is, and its directory, open until the next entry is asked for."""

    path: str
    name: str
    status: os.stat_result
    parent: int

    @property
    def identity(self) -> tuple[int, int]:
        """What hard links of one file have in common."""
        return self.status.st_dev, self.status.st_ino

    @property
    def is_directory(self) -> bool:
        """Is it a directory, and no link to one?"""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_whiteout(self) -> bool:
        """Is it a whiteout of an overlay's layer?"""
        return is_whiteout(self.status)

    def attributes(self) -> dict[str, bytes]:
        """Return its extended attributes that go where the file goes: xattr(7)."""
        return read_attributes(f"/proc/self/fd/{self.parent}/{self.name}")

    def open(self) -> int:
        """Open it for reading, if it is still the regular file that it was. Nothing is waited for, no link followed."""
        try:
            fd = os.open(self.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.parent)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENXIO):  # a link by now, or a socket
                raise
        else:
            if stat.S_ISREG(os.fstat(fd).st_mode):
                return fd
            os.close(fd)
        raise FileNotFoundError(errno.ENOENT, "no regular file any more", self.path)


def read_attributes(path: str) -> dict[str, bytes]:
    """Return the extended attributes of a file, a link not followed, sorted, without those of this machine's own."""
    found = {}
    with suppress(OSError):
        for name in sorted(os.listxattr(path, follow_symlinks=False)):
            others_security = name.startswith("security.") and name != "security.capability"
            if not name.startswith(OWN_ATTRIBUTES) and not others_security:
                with suppress(OSError):
                    found[name] = os.getxattr(path, name, follow_symlinks=False)
    return found


class Tree:
    """A tree below an open directory; with `one_file_system`, no mount in it is entered."""

    def __init__(self, top: int, *, one_file_system: bool = False) -> None:
        self._top = top
        self._how = Resolve.BENEATH | Resolve.NO_SYMLINKS | (Resolve.NO_XDEV if one_file_system else Resolve(0))

    def top(self) -> Entry:
        """Return the top itself."""
        return Entry(".", ".", os.stat(".", dir_fd=self._top), self._top)

    def walk(self, into: Callable[[Entry], bool] | None = None) -> Iterator[Entry]:
        """Yield all entries, each directory before what is in it, always in the same order; `into` says which to look into.

        One directory is open at a time, however deep the tree is. What vanishes meanwhile is left out. Raises InvalidInput for
        a directory that is too deep to be named, in an archive or to a program.
        """
        pending = ["."]
        while pending:
            path = pending.pop()
            with self.directory(path) as fd:
                if fd is not None:
                    below = []
                    for entry in self._entries(path, fd):
                        yield entry
                        if entry.is_directory and (into is None or into(entry)):
                            _refuse_too_deep(entry.path)
                            below.append(entry.path)
                    pending += reversed(below)

    @contextmanager
    def directory(self, path: str) -> Iterator[int | None]:
        """Open a directory of the tree; None if there is none of that path, or something is mounted on it."""
        fd = None
        try:
            fd = open_beneath(self._top, path, DIRECTORY, self._how)
        except OSError as error:
            if error.errno not in GONE and error.errno != errno.EXDEV:
                raise
        try:
            yield fd
        finally:
            if fd is not None:
                os.close(fd)

    @staticmethod
    def _entries(path: str, fd: int) -> Iterator[Entry]:
        prefix = "" if path == "." else f"{path}/"
        for name in sorted_names(fd):
            with suppress(FileNotFoundError):
                yield Entry(prefix + name, name, os.stat(name, dir_fd=fd, follow_symlinks=False), fd)


def _refuse_too_deep(path: str) -> None:
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise InvalidInput(
            f"/{path[:40]}… is too deep, a path of more than {MAX_PATH_BYTES} bytes: remove it, or what it is in, first"
        )


def sorted_names(fd: int) -> list[str]:
    """Return the names in an open directory, in the order of their bytes."""
    return sorted(os.listdir(fd), key=os.fsencode)


def open_beneath(top: int, path: str, flags: int, how: Resolve) -> int:
    """Open a path below a directory; raises OSError."""
    for attempt in range(ATTEMPTS):
        try:
            return openat2(top, path.lstrip("/") or ".", flags, resolve=how)
        except OSError as error:
            if error.errno != errno.EAGAIN or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError


@contextmanager
def tree_at(path: Path) -> Iterator[Tree]:
    """Open a directory as a tree."""
    fd = os.open(path, DIRECTORY)
    try:
        yield Tree(fd)
    finally:
        os.close(fd)


@contextmanager
def tree_of(entry: Entry) -> Iterator[Tree]:
    """Open an entry, a directory, as a tree."""
    fd = os.open(entry.name, DIRECTORY, dir_fd=entry.parent)
    try:
        yield Tree(fd)
    finally:
        os.close(fd)


def size_of(directory: Path, *, apparent: bool = False) -> int:
    """Return how many bytes the files below a directory take on disk, each once, however many names it has.

    With `apparent` it is how long its regular files are, as Docker counts a layer.
    It may be as deep as a stranger has made it: one directory is open at a time, and is left by its `..`.
    """
    sizes: dict[tuple[int, int], int] = {}
    above: list[tuple[os.stat_result, list[str]]] = []  # the directories on the way here, and what is left to look at in them
    try:
        fd = os.open(directory, DIRECTORY)
    except FileNotFoundError:
        return 0
    try:
        names = _add_sizes(fd, sizes, apparent=apparent)
        while names or above:
            if names:
                below = _opened_if_there(names.pop(), fd)
                if below is not None:
                    above.append((os.fstat(fd), names))
                    fd = _instead(fd, below)
                    names = _add_sizes(fd, sizes, apparent=apparent)
                continue
            fd = _instead(fd, os.open("..", DIRECTORY, dir_fd=fd))
            came_from, names = above.pop()
            if not os.path.samestat(came_from, os.fstat(fd)):
                break  # somebody has moved it meanwhile
    finally:
        os.close(fd)
    return sum(sizes.values())


def _add_sizes(fd: int, sizes: dict[tuple[int, int], int], *, apparent: bool) -> list[str]:
    """Add the sizes of the files in a directory; return its subdirectories."""
    below = []
    with os.scandir(fd) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                length = status.st_size if stat.S_ISREG(status.st_mode) else 0
                sizes[status.st_dev, status.st_ino] = length if apparent else 512 * status.st_blocks
                if stat.S_ISDIR(status.st_mode):
                    below.append(entry.name)
    return below


def _opened_if_there(name: str, fd: int) -> int | None:
    try:
        return os.open(name, DIRECTORY, dir_fd=fd)
    except OSError as error:
        if error.errno not in GONE:
            raise
    return None


def _instead(fd: int, another: int) -> int:
    os.close(fd)
    return another
