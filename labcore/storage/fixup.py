"""Fixup layers: on top of a stack, with the directories whose metadata overlayfs would take from the wrong layer. Made once.

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
from labcore.storage.implied import fixup_id, load
from labcore.storage.metadata import Metadata, set_metadata_of
from labcore.storage.tree import DIRECTORY, read_attributes
from labcore.storage.unpack import commit
from labcore.storage.whiteouts import is_opaque


def add_fixup(storage: Path, ids: Sequence[str]) -> str:
    """Make the fixup layer of a stack, given from the lowest up, unless it exists; return its ID. It appears atomically.

    Raises StoreFull.
    """
    name = fixup_id(ids)
    if not (storage / "layers" / name).is_dir():
        with incoming(storage / "layers") as place:
            with room_for("the directories of an image", storage):
                fill_fixup(place, storage, ids)
            commit(place, name)
    return name


def fill_fixup(place: Path, storage: Path, ids: Sequence[str]) -> None:
    """Fill a new directory as the fixup layer of a stack whose layers are all here."""
    stack = _Stack(storage, ids)
    top = os.open(place, DIRECTORY)
    try:
        with Copier(top) as copier:
            for path in stack.misrepresented():
                copy_from(stack.authoritative(path), copier, path)
        root = stack.authoritative("")
        status = root.stat()
        owner, times = (status.st_uid, status.st_gid), (status.st_atime_ns, status.st_mtime_ns)
        set_metadata_of(top, Metadata(status.st_mode, owner, *times, read_attributes(str(root))))
        syncfs(top)  # the name must not outlive a crash that the content did not
    finally:
        os.close(top)


class _Stack:
    """Layers, asked for which directories overlayfs shows the metadata of an implied one."""

    def __init__(self, storage: Path, ids: Sequence[str]) -> None:
        self._layers = [storage / "layers" / name for name in reversed(ids)]
        self._implied = {}
        for layer in self._layers:
            found = load(storage, layer.name)
            self._implied[layer] = {os.fsdecode(path) for path in found.paths} | (set() if found.has_root_entry else {""})
        self._known: dict[str, list[Path]] = {"": self._layers}

    def misrepresented(self) -> list[str]:
        """Return their paths, parents first."""
        paths: set[str] = set()
        upper = (self._implied[layer] for layer in self._layers[:-1])
        for path in sorted(set().union(*upper) - {""}):
            merged = self._merged(path)
            if merged and self._described_in(path) not in (None, merged[0]):
                while path and path not in paths:
                    paths.add(path)
                    path = path.rpartition("/")[0]
        return sorted(paths)

    def authoritative(self, path: str) -> Path:
        """Return the directory of that path in the topmost layer whose archive has an entry for it."""
        return (self._described_in(path) or self._merged(path)[0]) / path

    def _described_in(self, path: str) -> Path | None:
        """Return the topmost layer whose archive has an entry for the directory; an opaque one hides its content, not that."""
        for layer, is_directory in self._found(path):
            if not is_directory:
                return None
            if path not in self._implied[layer]:
                return layer
        return None

    def _merged(self, path: str) -> list[Path]:
        """Return the layers whose directories overlayfs merges at that path, the topmost first; none if it is no directory."""
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
