"""Mount points: empty files and directories that a container's start made for something to be mounted on, and that go again.

Nothing of them is a change of the container's: a layer that is made of its upper directory has no trace of them.
"""

from __future__ import annotations

import os
import stat

from labcore.native import Resolve
from labcore.storage.changes import Stack
from labcore.storage.tree import DIRECTORY, GONE, open_beneath, read_attributes
from labcore.storage.whiteouts import is_opaque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from typing import Final

LITERALLY: Final = Resolve.BENEATH | Resolve.NO_SYMLINKS


def remove_mount_points(written: Path, layers: Sequence[Path], targets: Iterable[str], *, copied: bool = False) -> None:
    """Remove mount points from what was written (a copy of all files, if it is `copied`), unless a layer below has them.

    `layers` are given from the topmost down, `targets` with all links resolved. With a mount point go the directories on the
    way to it that are empty now, if no layer has them, or they are mere copies of what a layer has. Times stay as they were.
    """
    below, top = _Below(layers), os.open(written, DIRECTORY)
    try:
        for target in sorted(targets, reverse=True):  # what lies below another goes first
            path = os.path.normpath(target).lstrip("/")
            while path and _removed(top, path, below, copied=copied):
                path = path.rpartition("/")[0]
    finally:
        os.close(top)


class _Below:
    """What layers have at a path, as overlayfs would find it; each directory is looked up once."""

    def __init__(self, layers: Sequence[Path]) -> None:
        self._stack = Stack(layers)
        self._known: dict[str, tuple[Path | None, list[Path]]] = {"": (None, self._stack.layers)}

    def find(self, path: str) -> Path | None:
        """Return the file that is seen there."""
        above = ""
        for name in path.split("/"):
            here = f"{above}/{name}".lstrip("/")
            if here not in self._known:
                self._known[here] = self._stack.below(self._known[above][1], name)
            above = here
        return self._known[above][0]


def _removed(top: int, path: str, below: _Below, *, copied: bool) -> bool:
    """Remove one name, if nothing is in it and nothing is lost with it; return whether it is gone."""
    above, _, name = path.rpartition("/")
    try:
        parent = open_beneath(top, above, DIRECTORY, LITERALLY)
    except OSError as error:
        if error.errno not in GONE:
            raise
        return False
    try:
        before, status = os.fstat(parent), os.stat(name, dir_fd=parent, follow_symlinks=False)
        lower = below.find(path)
        if lower is not None and (copied or not _is_mere_copy(f"/proc/self/fd/{parent}/{name}", status, lower)):
            return False
        if stat.S_ISDIR(status.st_mode):
            os.rmdir(name, dir_fd=parent)
        elif stat.S_ISREG(status.st_mode) and not status.st_size:
            os.unlink(name, dir_fd=parent)
        else:
            return False
        os.utime(parent, ns=(before.st_atime_ns, before.st_mtime_ns))
    except OSError:  # it is not empty, or not there
        return False
    finally:
        os.close(parent)
    return True


def _is_mere_copy(path: str, status: os.stat_result, lower: Path) -> bool:
    """Return whether a directory shows nothing but what a lower one has: it was copied up for something to be made in it."""
    old = lower.lstat()
    if not (stat.S_ISDIR(status.st_mode) and stat.S_ISDIR(old.st_mode)) or is_opaque(path):
        return False
    same = (status.st_mode, status.st_uid, status.st_gid) == (old.st_mode, old.st_uid, old.st_gid)
    return same and read_attributes(path) == read_attributes(str(lower))
