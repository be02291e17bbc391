"""Copying directory trees with all metadata: for volumes, and for machines without overlayfs.

Source and target may be untrusted, and may change meanwhile. Each file is made in a parent directory that is held open, and no
link is followed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress

from labcore.native import Resolve
from labcore.storage.changes import Stack
from labcore.storage.metadata import NEW_FILE, Metadata, clear, make_directory, set_metadata
from labcore.storage.tree import DIRECTORY, Entry, open_beneath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Final, Self

    from labcore.storage.tree import Tree

FICLONE: Final = 0x40049409  # ioctl_ficlone(2): share the blocks until one side changes
CHUNK_SIZE: Final = 1 << 24
NO_CLONING: Final = {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM}
INSIDE: Final = Resolve.BENEATH | Resolve.NO_SYMLINKS


class Copier:
    """Copies entries below an open directory. Hard links stay hard links; directories get their times last.

    Leaving the context sets the directories' times.
    """

    def __init__(self, top: int) -> None:
        self._top = top
        self._copied: dict[tuple[int, int], str] = {}
        self._times: list[tuple[str, os.stat_result]] = []
        self._parent: tuple[str, int] | None = None

    def copy(self, entry: Entry, path: str) -> None:
        """Copy one entry, a directory without its content; `path` is the copy's, whose parent directory must exist.

        A file takes the place of another, a directory joins one that is there. Raises InvalidInput where one would take the
        place of the other.
        """
        parent, name = self._parent_of(path)
        kind = stat.S_IFMT(entry.status.st_mode)
        if stat.S_ISDIR(kind):
            make_directory(parent, name, path)
            self._times.append((path, entry.status))
        elif stat.S_ISSOCK(kind):
            return  # it is made by whoever serves it
        else:
            clear(parent, name, path)
            if self._linked(entry, parent, name, path):
                return
            with suppress(FileNotFoundError):
                self._make(entry, parent, name)
            return
        set_metadata(parent, name, _metadata(entry))

    def copy_all(self, tree: Tree, prefix: str) -> None:
        """Copy the content of a tree into a directory that exists."""
        for entry in tree.walk():
            self.copy(entry, os.path.join(prefix, entry.path))  # noqa: PTH118

    def _make(self, entry: Entry, parent: int, name: str) -> None:
        mode = entry.status.st_mode
        if stat.S_ISREG(mode):
            source = entry.open()
            try:
                _copy_content(source, parent, name)
            finally:
                os.close(source)
        elif stat.S_ISLNK(mode):
            os.symlink(os.readlink(entry.name, dir_fd=entry.parent), name, dir_fd=parent)
        else:
            os.mknod(name, stat.S_IFMT(mode) | 0o600, entry.status.st_rdev, dir_fd=parent)
        set_metadata(parent, name, _metadata(entry))

    def _linked(self, entry: Entry, parent: int, name: str, path: str) -> bool:
        """Make a hard link if the file was copied already under another name; return whether it was."""
        if entry.status.st_nlink == 1:
            return False
        first = self._copied.setdefault(entry.identity, path)
        if first == path:
            return False
        there = open_beneath(self._top, os.path.dirname(first), os.O_PATH | DIRECTORY, INSIDE)  # noqa: PTH120
        try:
            os.link(os.path.basename(first), name, src_dir_fd=there, dst_dir_fd=parent, follow_symlinks=False)  # noqa: PTH119
        finally:
            os.close(there)
        return True

    def _parent_of(self, path: str) -> tuple[int, str]:
        """Return a path's parent directory, open until another is asked for, and its name."""
        above, _, name = path.rpartition("/")
        if self._parent is None or self._parent[0] != above:
            fd = open_beneath(self._top, above, DIRECTORY, INSIDE)
            self._close_parent()
            self._parent = (above, fd)
        return self._parent[1], name

    def _close_parent(self) -> None:
        if self._parent is not None:
            os.close(self._parent[1])
            self._parent = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close_parent()
        for path, status in reversed(self._times):
            with suppress(OSError):  # somebody has removed it
                fd = open_beneath(self._top, path, DIRECTORY, INSIDE)
                os.utime(fd, ns=(status.st_atime_ns, status.st_mtime_ns))
                os.close(fd)


def flatten(layers: Sequence[Path], target: Path) -> None:
    """Copy the merged view of layers, the topmost first, into an empty directory."""
    stack = Stack(layers)
    top = os.open(target, DIRECTORY)
    try:
        with Copier(top) as copier:
            pending: list[tuple[str, Sequence[Path]]] = [("", stack.layers)]
            while pending:
                path, parents = pending.pop()
                for name in stack.names(parents):
                    found, directories = stack.below(parents, name)
                    assert found is not None
                    below = os.path.join(path, name)  # noqa: PTH118
                    copy_from(found, copier, below)
                    if directories and found == directories[0]:
                        pending.append((below, directories))
    finally:
        os.close(top)


def copy_from(found: Path, copier: Copier, path: str) -> None:
    """Copy a file of an unpacked layer, or a directory without its content; `path` is the copy's."""
    parent = os.open(found.parent, DIRECTORY)
    try:
        copier.copy(Entry(path, found.name, found.lstat(), parent), path)
    finally:
        os.close(parent)


def _metadata(entry: Entry) -> Metadata:
    status = entry.status
    owner = (status.st_uid, status.st_gid)
    return Metadata(status.st_mode, owner, status.st_atime_ns, status.st_mtime_ns, entry.attributes())


def _copy_content(source: int, parent: int, name: str) -> None:
    """Copy a file's content: as a reflink where the file system can, else the data between its holes."""
    target = os.open(name, NEW_FILE, 0o600, dir_fd=parent)
    try:
        try:
            fcntl.ioctl(target, FICLONE, source)
        except OSError as error:
            if error.errno not in NO_CLONING:
                raise
            size = os.fstat(source).st_size
            os.truncate(target, size)
            _copy_parts(source, target, size)
    finally:
        os.close(target)


def _copy_parts(source: int, target: int, size: int) -> None:
    at = 0
    while at < size:
        try:
            at = os.lseek(source, at, os.SEEK_DATA)
            hole = min(os.lseek(source, at, os.SEEK_HOLE), size)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            if error.errno != errno.EINVAL:
                raise
            hole = size  # a file system that knows of no holes
        while at < hole:
            moved = _move(source, target, at, min(hole - at, CHUNK_SIZE))
            if not moved:
                return  # cut short meanwhile
            at += moved


def _move(source: int, target: int, at: int, size: int) -> int:
    try:
        return os.copy_file_range(source, target, size, at, at)
    except OSError as error:
        if error.errno not in NO_CLONING:
            raise
    return os.pwrite(target, os.pread(source, min(size, 1 << 20), at), at)
