"""Changes of a container to its image's files (`docker diff`), computed from the overlay's upper directory.

Only the upper directory is walked; lower layers are looked up name by name. Deleted files are whiteouts there, replaced
directories are opaque: `labcore.storage.whiteouts`.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from labcore.record import Record
from labcore.storage.tree import read_attributes, sorted_names, tree_at
from labcore.storage.whiteouts import is_opaque, is_whiteout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path
    from typing import Final, Literal, TypeAlias

    from labcore.storage.tree import Entry, Tree

Kind: TypeAlias = "Literal['added', 'changed', 'deleted']"
CHUNK_SIZE: Final = 1 << 20


class Change(Record):
    """An absolute path in the container, and how it has changed."""

    kind: Kind
    path: str


class Stack:
    """Read-only layers, the topmost first: looks names up as overlayfs would, without a mount."""

    def __init__(self, layers: Sequence[Path]) -> None:
        self.layers = list(layers)

    def below(self, parents: Sequence[Path], name: str) -> tuple[Path | None, list[Path]]:
        """Look a name up in its parent directory's layers: return the file that is seen, and the directories merged in it."""
        found: Path | None = None
        directories: list[Path] = []
        for parent in parents:
            path = parent / name
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(status.st_mode):
                return (found or (None if is_whiteout(status) else path)), directories
            found = found or path
            directories.append(path)
            if is_opaque(path):
                break
        return found, directories

    def names(self, parents: Sequence[Path]) -> list[str]:
        """Return the names in the merged directory of these."""
        names = sorted({path.name for parent in parents for path in parent.iterdir()}, key=os.fsencode)
        return [name for name in names if self.below(parents, name)[0] is not None]


def changes(written: Path, stack: Stack, *, copied_at: int | None = None, placeholders: Collection[str] = ()) -> list[Change]:
    """Return the changes of a container, sorted. `written` is its upper directory, or the whole of its files, copied then (ns).

    A file has changed if its owner, permissions, attributes, size or time have; a directory also if something in it has.
    `placeholders` are paths of empty files that were made for something to be mounted on: they are no changes.
    """
    with tree_at(written) as tree:
        found = dict(_found(tree, stack, copied_at, placeholders))
    for path in list(found):
        while (path := path.rpartition("/")[0]) and path not in found:
            found[path] = "changed"
    ordered = sorted(found.items(), key=lambda item: os.fsencode(item[0]).split(b"/"))
    return [Change(kind, f"/{path}") for path, kind in ordered]


def is_placeholder(entry: Entry, placeholders: Collection[str]) -> bool:
    """Return whether an entry is an empty file that was made for something to be mounted on."""
    return entry.path in placeholders and stat.S_ISREG(entry.status.st_mode) and not entry.status.st_size


def _found(tree: Tree, stack: Stack, copied_at: int | None, placeholders: Collection[str]) -> Iterator[tuple[str, Kind]]:
    copied = copied_at is not None
    below: dict[str, list[Path]] = {"": stack.layers}  # the lower directories of each
    alone = {""} if copied else set()  # directories in which nothing of those shows
    if copied:
        yield from _missing(tree, stack, "", stack.layers)
    for entry in tree.walk():
        above = entry.path.rpartition("/")[0]
        lower, directories = stack.below(below[above], entry.name)
        if entry.is_whiteout and not copied:
            if lower is not None:
                yield entry.path, "deleted"
        elif lower is None:
            if not is_placeholder(entry, placeholders):
                yield entry.path, "added"
        elif not _is_same(entry, lower, copied_at):
            yield entry.path, "changed"
        if entry.is_directory:
            below[entry.path] = directories
            if above in alone or is_opaque(f"/proc/self/fd/{entry.parent}/{entry.name}"):
                alone.add(entry.path)
                yield from _missing(tree, stack, entry.path, directories)


def _missing(tree: Tree, stack: Stack, path: str, directories: Sequence[Path]) -> Iterator[tuple[str, Kind]]:
    """Yield the names of lower directories that a directory which hides those does not have itself."""
    with tree.directory(path or ".") as fd:
        present = set(sorted_names(fd)) if fd is not None and directories else set()
    for name in stack.names(directories):
        if name not in present:
            yield f"{path}/{name}".lstrip("/"), "deleted"


def _is_same(entry: Entry, lower: Path, copied_at: int | None) -> bool:
    """Return whether an entry equals the lower file; of directories only the metadata are compared."""
    new, old = entry.status, lower.lstat()
    if (new.st_mode, new.st_uid, new.st_gid, new.st_rdev) != (old.st_mode, old.st_uid, old.st_gid, old.st_rdev):
        return False
    if entry.attributes() != read_attributes(str(lower)):
        return False
    if entry.is_directory:
        return True
    if (new.st_size, new.st_mtime_ns) != (old.st_size, old.st_mtime_ns):
        return False
    untouched = copied_at is not None and new.st_ctime_ns <= copied_at
    return untouched or not stat.S_ISREG(new.st_mode) or _same_content(entry, lower)


def _same_content(entry: Entry, lower: Path) -> bool:
    with suppress(FileNotFoundError), os.fdopen(entry.open(), "rb") as new, lower.open("rb") as old:
        while (piece := new.read(CHUNK_SIZE)) == old.read(CHUNK_SIZE):
            if not piece:
                return True
    return False
