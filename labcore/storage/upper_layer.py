"""An upper directory becomes a layer where it is: overlayfs's notes in it become what unpacking its archive would have made.

The archive is read from the directory, which is then renamed into the layer store: nothing is unpacked, or looked at twice.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from labcore.native import syncfs
from labcore.storage.changes import Stack
from labcore.storage.gc import using
from labcore.storage.implied import ImpliedDirectories
from labcore.storage.tree import DIRECTORY, OWN_ATTRIBUTES
from labcore.storage.whiteouts import XATTR_NAMESPACES, set_opaque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Final

    from labcore.storage.tree import Entry

OPAQUE: Final = frozenset(f"{space}.overlay.opaque" for space in XATTR_NAMESPACES)


class Settling:
    """Settles the entries of an upper directory on `layers` (the topmost first), one after the other, parents first.

    Overlayfs marks most new directories as opaque; those that hide nothing lose the mark. `size` counts the bytes of files.
    """

    def __init__(self, layers: Sequence[Path]) -> None:
        self._stack = Stack(layers)
        self._below: dict[str, list[Path]] = {"": self._stack.layers}  # the lower directories that show through, or are hidden
        self._counted: set[tuple[int, int]] = set()
        self.size = 0

    def takes(self, entry: Entry) -> bool:
        """Settle an entry; return whether it is of the layer: a socket, which no archive can have, is removed."""
        if entry.is_whiteout:
            return True
        if stat.S_ISSOCK(entry.status.st_mode):
            os.unlink(entry.name, dir_fd=entry.parent)
            return False
        where = f"/proc/self/fd/{entry.parent}/{entry.name}"
        notes = [name for name in os.listxattr(where, follow_symlinks=False) if name.startswith(OWN_ATTRIBUTES)]
        if entry.is_directory:
            self._settle_directory(entry, where, notes)
            return True
        _remove_notes(where, notes)
        self._count(entry)
        return True

    def _settle_directory(self, entry: Entry, where: str, notes: list[str]) -> None:
        opaque = any(os.getxattr(where, name, follow_symlinks=False) == b"y" for name in OPAQUE.intersection(notes))
        _remove_notes(where, notes)
        lower = self._below[entry.path.rpartition("/")[0]]
        below = self._stack.below(lower, entry.name)[1] if lower else []
        if opaque and below:
            set_opaque(entry.parent, os.fsencode(entry.name))
        self._below[entry.path] = [] if opaque else below

    def _count(self, entry: Entry) -> None:
        if stat.S_ISREG(entry.status.st_mode) and entry.identity not in self._counted:
            self.size += entry.status.st_size
            if entry.status.st_nlink > 1:
                self._counted.add(entry.identity)


def _remove_notes(where: str, notes: Sequence[str]) -> None:
    for name in notes:
        with suppress(PermissionError):  # trusted.*, in a user namespace
            os.removexattr(where, name, follow_symlinks=False)


def commit_upper(written: Path, storage: Path, name: str, *, has_root_entry: bool) -> None:
    """Make an upper directory, all of whose entries are settled, the layer of that ID, atomically, unless there is one.

    `has_root_entry`: its archive has an entry for `/`; without one the layer's is the default, as an unpacked layer's is. What
    was written before to that file system is on the disk then.
    """
    fd = os.open(written, DIRECTORY)
    try:
        _settle_top(fd, keeps_metadata=has_root_entry)
        syncfs(fd)  # the name must not outlive a crash that the content did not
    finally:
        os.close(fd)
    if (storage / "layers" / name).is_dir():
        return
    with using(storage):  # a collection that removes a layer of that ID removes what was saved of it first
        ImpliedDirectories(has_root_entry=has_root_entry).save(storage, name)
        try:
            written.rename(storage / "layers" / name)
        except OSError:
            if not (storage / "layers" / name).is_dir():
                raise


def _settle_top(fd: int, *, keeps_metadata: bool) -> None:
    names = [name for name in os.listxattr(fd) if not name.startswith("security.")]
    for name in names:
        if not keeps_metadata or name.startswith(OWN_ATTRIBUTES):
            with suppress(PermissionError):
                os.removexattr(fd, name)
    if not keeps_metadata:
        os.fchown(fd, 0, 0)
        os.fchmod(fd, 0o755)
