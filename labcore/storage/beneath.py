"""Path resolution beneath a root, for the entries of an untrusted archive: openat2(2) with RESOLVE_IN_ROOT.

Neither `..` nor a link that an earlier entry made leads out of the root. Parent directories stay open for the entries that
follow, until an entry removes a directory or a link by which they may have been reached.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from labcore.errors import SystemCallError
from labcore.native import Resolve, openat2
from labcore.storage.directories import remove_tree
from labcore.storage.tree import MAX_PATH_BYTES
from labcore.storage.whiteouts import is_whiteout, set_opaque
from labcore.tar import BadArchive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SEARCH: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
INSIDE: Final = Resolve.IN_ROOT | Resolve.NO_MAGICLINKS
OPEN_AT_ONCE: Final = 32
IMPLIED_MAX: Final = 16 << 20  # bytes of their paths: a short entry can make a thousand directories with long ones


class ParentDirectories:
    """Open parent directories of an archive's entries, beneath the open directory `root`; `below` one of its directories."""

    def __init__(self, root: int, below: bytes = b"") -> None:
        self._root = root
        self._below = [part for part in below.split(b"/") if part]
        self._open: dict[bytes, int] = {}
        self._found: dict[bytes, int] = {}  # the same, by the path as the archive writes it: `./usr/bin`
        self._stale = False  # may an open directory's path lead elsewhere by now?
        self.implied: set[bytes] = set()  # paths of directories that were made without an entry
        self._implied_size = 0

    def close_stale(self) -> None:
        """Close the directories if they are too many, or if their paths may lead elsewhere by now. Call between two entries."""
        if self._stale or len(self._open) > OPEN_AT_ONCE:
            self.close()
            self._stale = False

    def resolve(self, name: bytes) -> tuple[int, bytes]:
        """Return the open parent directory of an entry, made if it is missing, and the entry's name in it.

        That name is empty for the root itself. Raises BadArchive, OSError.
        """
        above, _, last = name.rpartition(b"/")
        if above in self._found and last not in (b"", b".", b".."):
            return self._found[above], last
        parts = [part for part in name.split(b"/") if part and part != b"."]
        if b".." in parts:
            raise BadArchive(f"its entry {name!r} leads upwards: do not trust where it comes from")
        if not parts:
            return self._root, b""
        base = parts.pop()
        parts = self._below + parts
        if not parts:
            return self._root, base
        path = b"/".join(parts)
        if len(path) > MAX_PATH_BYTES:
            raise BadArchive(f"its entry {name[:40]!r}… is in a directory whose path has more than {MAX_PATH_BYTES} bytes")
        fd = self._open.get(path)
        if fd is None:
            fd = self._open[path] = self._open_directory(path, parts)
        if last == base:  # else it ends in a slash, or a dot: what stands before that is the entry itself
            self._found[above] = fd
        return fd, base

    def _open_directory(self, path: bytes, parts: list[bytes]) -> int:
        try:
            return _openat(self._root, path)
        except SystemCallError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                raise _no_directory(path, error) from None
        here = os.dup(self._root)
        for depth, part in enumerate(parts):
            try:
                if _make_parent(here, part):
                    self._imply(self.path_of(here, part))
            finally:
                os.close(here)
            try:
                here = _openat(self._root, b"/".join(parts[: depth + 1]))
            except SystemCallError as error:
                raise _no_directory(path, error) from None
        return here

    def _imply(self, path: bytes) -> None:
        self.implied.add(path)
        self._implied_size += len(path)
        if self._implied_size > IMPLIED_MAX:
            raise BadArchive(f"it has more directories without an entry than fit a list of {IMPLIED_MAX >> 20} MiB")

    def path_of(self, parent: int, base: bytes) -> bytes:
        """Return the path, from the root, of an entry of an open directory, whatever links have led there."""
        top, here = (os.readlink(b"/proc/self/fd/%d" % fd) for fd in (self._root, parent))  # noqa: PTH115 - bytes
        return (here.removeprefix(top) + b"/" + base).lstrip(b"/")

    def remove(self, parent: int, base: bytes) -> None:
        """Remove the file or directory of that name, if there is one."""
        try:
            kind = os.stat(base, dir_fd=parent, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return
        if stat.S_ISDIR(kind):
            remove_tree(base, parent=parent)
        else:
            os.unlink(base, dir_fd=parent)
        self._stale |= stat.S_ISDIR(kind) or stat.S_ISLNK(kind)

    def close(self) -> None:
        """Close all directories."""
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()
        self._found.clear()


def _make_parent(parent: int, base: bytes) -> bool:
    """Make an implied directory, also in place of a whiteout, and then opaque. Return whether it merges with lower layers'."""
    with suppress(FileExistsError):
        os.mkdir(base, 0o755, dir_fd=parent)
        return True
    if is_whiteout(os.stat(base, dir_fd=parent, follow_symlinks=False)):
        os.unlink(base, dir_fd=parent)
        os.mkdir(base, 0o755, dir_fd=parent)
        set_opaque(parent, base)
    return False


def _no_directory(path: bytes, error: OSError) -> BadArchive:
    return BadArchive(f"it has entries below {path!r}, which is no directory: {error.strerror}")


def _openat(root: int, path: bytes) -> int:
    return openat2(root, path, SEARCH, resolve=INSIDE)


def is_directory(parent: int, base: bytes) -> bool:
    """Is that entry of the open directory `parent` a directory itself, and no link to one?"""
    return stat.S_ISDIR(os.stat(base, dir_fd=parent, follow_symlinks=False).st_mode)
