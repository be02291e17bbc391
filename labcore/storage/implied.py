"""Implied directories: those that a layer's archive has no entry for; their metadata come from lower layers.

An archive may have `tmp/x` and no entry for `tmp`. Then /tmp stays as it was (image-spec, layer.md); but overlayfs takes a
merged directory's owner and permissions from the topmost layer that has it. So a stack with such directories gets a fixup layer
on top, in which they are as the topmost archive that has an entry for them says. The same goes for `/`.

::

    ROOT/storage/implied/ID   the paths of a layer's directories that its archive has no entry for, each ended by a zero byte
                 says-root/   in it an empty file ID for each layer whose archive has an entry for `/`
                 layers/ID    a fixup layer: ID is the head of a digest of the IDs of the layers below it
"""

from __future__ import annotations

import os
import stat

from labcore.atomic import atomic_write
from labcore.record import Record
from labcore.spec import TopDirectory
from labcore.spec.digest import digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Final

IMPLIED: Final = "implied"
ROOT_ENTRIES: Final = "says-root"


class ImpliedDirectories(Record):
    """The paths of the directories that a layer's archive has no entry for, and whether it has one for `/`."""

    paths: frozenset[bytes] = frozenset()
    has_root_entry: bool = False

    def save(self, storage: Path, name: str) -> None:
        """Write it beside the layer of that ID; to be done before the layer is committed."""
        if self.paths:
            _write(storage / IMPLIED, name, b"".join(path + b"\0" for path in sorted(self.paths)))
        if self.has_root_entry:
            _write(storage / ROOT_ENTRIES, name, b"")


def _write(directory: Path, name: str, content: bytes) -> None:
    directory.mkdir(exist_ok=True)
    atomic_write(directory / name, content)


def load(storage: Path, name: str) -> ImpliedDirectories:
    """Return the implied directories of a layer."""
    try:
        paths = (storage / IMPLIED / name).read_bytes().split(b"\0")[:-1]
    except FileNotFoundError:
        paths = []
    return ImpliedDirectories(frozenset(paths), (storage / ROOT_ENTRIES / name).exists())


def forget(storage: Path, name: str) -> None:
    """Remove what was saved of a layer that is removed."""
    for kind in (IMPLIED, ROOT_ENTRIES):
        (storage / kind / name).unlink(missing_ok=True)


def needs_fixup(storage: Path, ids: Sequence[str]) -> bool:
    """Does overlayfs show other metadata of directories than a stack's archives say? `ids` are given from the lowest up."""
    if any(os.path.exists(f"{storage}/{IMPLIED}/{name}") for name in ids[1:]):  # noqa: PTH110 - every start asks
        return True
    hidden = any(top_of(storage, name) for name in ids[:-1])
    return hidden and not os.path.exists(f"{storage}/{ROOT_ENTRIES}/{ids[-1]}")  # noqa: PTH110


def top_of(storage: Path, name: str) -> TopDirectory | None:
    """Return the metadata of `/` in a layer, None if they are the default: root's, 0755."""
    status = os.stat(f"{storage}/layers/{name}")  # noqa: PTH116 - every start asks
    if is_default_root(status):
        return None
    return TopDirectory(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns)


def is_default_root(status: os.stat_result) -> bool:
    """Is a root directory as it is where no archive has an entry for it: root's, 0755?"""
    return (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o755, 0, 0)


def fixup_id(ids: Sequence[str]) -> str:
    """Return the ID of a stack's fixup layer: the head of a digest, as layers have it."""
    return digest_of("+".join(ids).encode()).partition(":")[2][: len(ids[0])]
