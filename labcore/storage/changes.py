"""What a container has changed in its image's files: `docker diff`, read from the overlay's upper directory alone.

Only what was written is walked; the layers below are asked name by name. How overlayfs notes what was deleted stands in the
kernel's filesystems/overlayfs.rst: a name, by a character device 0/0; a directory's old content, by an attribute of the new.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from labcore.record import Record
from labcore.storage.opaque import is_opaque
from labcore.storage.tree import Entry, Tree, listed, read_attributes, tree_at

Kind = Literal["added", "changed", "deleted"]
CHUNK_SIZE: Final = 1 << 20


class Change(Record):
    """A path of the container, from `/`, and what became of it."""

    kind: Kind
    path: str


class Stack:
    """Read-only layers, the topmost first, asked for names: what overlayfs would show, without a mount."""

    def __init__(self, layers: Sequence[Path]) -> None:
        self.layers = list(layers)

    def below(self, parents: Sequence[Path], name: str) -> tuple[Path | None, list[Path]]:
        """Return what a name is, given its directory in each layer that has one: its file, and the directories merged in it."""
        found: Path | None = None
        directories: list[Path] = []
        for parent in parents:
            path = parent / name
            try:
                mode = (status := path.lstat()).st_mode
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(mode):
                hidden = stat.S_ISCHR(mode) and status.st_rdev == 0
                return (found or (None if hidden else path)), directories
            found = found or path
            directories.append(path)
            if is_opaque(path):
                break
        return found, directories

    def names(self, parents: Sequence[Path]) -> list[str]:
        """Return the names in a directory that is merged of these."""
        names = sorted({path.name for parent in parents for path in parent.iterdir()}, key=os.fsencode)
        return [name for name in names if self.below(parents, name)[0] is not None]


def changes(written: Path, stack: Stack, *, copied_at: int | None = None) -> list[Change]:
    """Return the changes of a snapshot, sorted. `written` is its upper directory, or the whole of its files, copied then (ns).

    A file has changed if its owner, permissions, attributes, size or time have; a directory also if something in it has.
    """
    with tree_at(written) as tree:
        found = dict(_found(tree, stack, copied_at))
    for path in list(found):
        while (path := path.rpartition("/")[0]) and path not in found:
            found[path] = "changed"
    ordered = sorted(found.items(), key=lambda item: os.fsencode(item[0]).split(b"/"))
    return [Change(kind, f"/{path}") for path, kind in ordered]


def _found(tree: Tree, stack: Stack, copied_at: int | None) -> Iterator[tuple[str, Kind]]:
    copied = copied_at is not None
    below: dict[str, list[Path]] = {"": stack.layers}  # what each directory stands over
    alone = {""} if copied else set()  # directories that show nothing of that
    if copied:
        yield from _missing(tree, stack, "", stack.layers)
    for entry in tree.walk():
        above = entry.path.rpartition("/")[0]
        lower, directories = stack.below(below[above], entry.name)
        if entry.is_whiteout and not copied:
            if lower is not None:
                yield entry.path, "deleted"
        elif lower is None:
            yield entry.path, "added"
        elif not _is_same(entry, lower, copied_at):
            yield entry.path, "changed"
        if entry.is_directory:
            below[entry.path] = directories
            if above in alone or is_opaque(f"/proc/self/fd/{entry.parent}/{entry.name}"):
                alone.add(entry.path)
                yield from _missing(tree, stack, entry.path, directories)


def _missing(tree: Tree, stack: Stack, path: str, directories: Sequence[Path]) -> Iterator[tuple[str, Kind]]:
    """Yield the names in lower directories that one which hides them does not have."""
    with tree.directory(path or ".") as fd:
        present = set(listed(fd)) if fd is not None and directories else set()
    for name in stack.names(directories):
        if name not in present:
            yield f"{path}/{name}".lstrip("/"), "deleted"


def _is_same(entry: Entry, lower: Path, copied_at: int | None) -> bool:
    """Return whether an entry is what the file below is; of a directory, what is in it does not matter."""
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
