"""The layer on top of a stack that has directories as its archives say they are, where overlayfs shows others: made once.

Which stacks need one, and why: `labcore.storage.implied`.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from labcore.disk_space import room_for
from labcore.native import syncfs
from labcore.storage.copies import Copier, copy_from
from labcore.storage.gc import incoming
from labcore.storage.implied import noted, settling_id
from labcore.storage.metadata import Description, give
from labcore.storage.opaque import is_opaque
from labcore.storage.tree import DIRECTORY, read_attributes
from labcore.storage.unpack import named


def settle(storage: Path, ids: Sequence[str]) -> str:
    """Have the layer that settles a stack, given from the lowest up; return its ID. It appears whole or not at all.

    Raises StoreFull.
    """
    name = settling_id(ids)
    if not (storage / "layers" / name).is_dir():
        with incoming(storage / "layers") as place:
            with room_for("the directories of an image", storage):
                fill(place, storage, ids)
            named(place, name)
    return name


def fill(place: Path, storage: Path, ids: Sequence[str]) -> None:
    """Make a new directory what settles a stack, whose layers are all here."""
    stack = _Stack(storage, ids)
    top = os.open(place, DIRECTORY)
    try:
        with Copier(top) as copier:
            for path in stack.unsettled():
                copy_from(stack.what_is(path), copier, path)
        root = stack.what_is("")
        status = root.stat()
        owner, times = (status.st_uid, status.st_gid), (status.st_atime_ns, status.st_mtime_ns)
        give(top, Description(status.st_mode, owner, *times, read_attributes(str(root))))
        syncfs(top)  # the name must not outlive a crash that the content did not
    finally:
        os.close(top)


class _Stack:
    """Layers, asked which of their directories overlayfs shows with what another layer says."""

    def __init__(self, storage: Path, ids: Sequence[str]) -> None:
        self._layers = [storage / "layers" / name for name in reversed(ids)]
        self._implied = {}
        for layer in self._layers:
            found = noted(storage, layer.name)
            self._implied[layer] = {os.fsdecode(path) for path in found.implied} | (set() if found.says_root else {""})
        self._known: dict[str, list[Path]] = {"": self._layers}

    def unsettled(self) -> list[str]:
        """Return their paths, each behind those of the directories that it lies in."""
        paths: set[str] = set()
        upper = (self._implied[layer] for layer in self._layers[:-1])
        for path in sorted(set().union(*upper) - {""}):
            merged = self._merged(path)
            if merged and self._said(path) not in (None, merged[0]):
                while path and path not in paths:
                    paths.add(path)
                    path = path.rpartition("/")[0]
        return sorted(paths)

    def what_is(self, path: str) -> Path:
        """Return the directory of that path which is as the topmost archive that has an entry for it says."""
        return (self._said(path) or self._merged(path)[0]) / path

    def _said(self, path: str) -> Path | None:
        """Return the topmost layer that says what the directory is; an opaque one hides what is in lower ones, not that."""
        for layer, is_directory in self._found(path):
            if not is_directory:
                return None
            if path not in self._implied[layer]:
                return layer
        return None

    def _merged(self, path: str) -> list[Path]:
        """Return the layers of which overlayfs merges a directory, the topmost first; none if it shows something else."""
        unknown, above = [], path
        while above not in self._known:
            unknown.append(above)
            above = above.rpartition("/")[0]
        for each in reversed(unknown):  # it may be as deep as a stranger has made it: no recursion
            self._known[each] = self._find_merged(each)
        return self._known[path]

    def _find_merged(self, path: str) -> list[Path]:
        merged = []
        for layer, is_directory in self._found(path):
            if not is_directory:
                break
            merged.append(layer)
            if is_opaque(layer / path):
                break
        return merged

    def _found(self, path: str) -> Iterator[tuple[Path, bool]]:
        """Yield the layers that have that path where no other hides what it lies in, and whether it is a directory there."""
        for layer in self._known[path.rpartition("/")[0]] if path else self._layers:
            try:
                yield layer, stat.S_ISDIR((layer / path).lstat().st_mode)
            except FileNotFoundError:
                continue
