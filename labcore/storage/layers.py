"""Unpacked layers, shared by all containers: the lower directories of their overlays.

::

    ROOT/storage/format       the version of what lies here
                 layers/ID/   one layer's files; ID is the head of the digest of its uncompressed archive
                 implied/, says-root/   directories without an entry in the layer's archive: `labcore.storage.implied`
                 scratch/     an empty directory: every container mounts its own tmpfs there, in its own mount namespace
"""

from __future__ import annotations

import io
import os
from functools import lru_cache

from labcore.atomic import atomic_write
from labcore.errors import StoreDamaged
from labcore.files import read_bytes
from labcore.spec import OverlayRoot, checked_digest
from labcore.spec.digest import digest_of
from labcore.storage.gc import using
from labcore.storage.implied import needs_fixup, top_of
from labcore.storage.whiteouts import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from labcore.storage.unpack import UnpackedLayer

FORMAT = "1"
ID_LENGTH = 32  # hex digits: 128 bits tell layers apart, and 120 such names fit the page that mount(2) takes


class LayerStore:
    """Layers on disk, by the digest of their uncompressed archive (`diff_id`)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def add(self, diff_id: str, open_archive: Callable[[], BinaryIO]) -> str:
        """Unpack a layer unless it exists; return its id. It appears atomically.

        `open_archive` returns the archive, gzipped, zstd-compressed or plain. Raises StoreDamaged if its digest is not
        `diff_id`, StoreFull.
        """
        name = layer_id(diff_id)
        if not os.path.isdir(f"{self.directory}/layers/{name}"):  # noqa: PTH112 - every start asks
            self._prepare()
            from labcore.storage.unpack import unpacked  # only the first container of an image needs it

            what, algorithm = f"layer {diff_id}", diff_id.partition(":")[0]
            with unpacked(self.directory / "layers", open_archive, what, algorithm) as found:
                if found.diff_id != diff_id:
                    raise StoreDamaged(
                        f"a layer should have the digest {diff_id} and has {found.diff_id}: make or pull the image anew"
                    )
                found.commit(name)
        return name

    def add_empty(self) -> str:
        """Make an empty layer unless it exists, for overlayfs needs at least one; return its id."""
        archive = bytes(1024)  # the end of a tar archive
        return self.add(digest_of(archive), lambda: io.BytesIO(archive))

    def unpacked(self, open_archive: Callable[[], BinaryIO]) -> AbstractContextManager[UnpackedLayer]:
        """Unpack an archive whose digest is not known yet; it is removed at the block's end unless it was committed.

        A plain one is not hashed: its diff_id is the digest that the caller computes. Raises StoreDamaged, StoreFull.
        """
        from labcore.storage.unpack import unpacked  # as above

        self._prepare()
        return unpacked(self.directory / "layers", open_archive, "a layer", "sha256", hash_plain=False)

    def has(self, diff_id: str) -> bool:
        """Is that layer unpacked?"""
        return (self.directory / "layers" / layer_id(diff_id)).is_dir()

    def size(self, diff_id: str) -> int | None:
        """Return how many bytes the files of a layer have; None if it is not unpacked. It is counted once: no layer changes."""
        name = layer_id(diff_id)
        return _size(f"{self.directory}/layers/{name}") if self.has(diff_id) else None

    def using(self) -> AbstractContextManager[None]:
        """Keep layers from being collected until the block ends: from the lookup of an image's layers to the start."""
        self._prepare()
        return using(self.directory)

    def ids(self) -> list[str]:
        """Return the unpacked layers, sorted."""
        return sorted(path.name for path in (self.directory / "layers").glob("[!.]*/"))

    def overlay(self, ids: list[str]) -> OverlayRoot:
        """Return the root made of these layers, given from the lowest up, with a writable one in memory on top."""
        layers = tuple(f"layers/{name}" for name in reversed(ids))
        return OverlayRoot(str(self.directory), layers, "scratch", top=top_of(self.directory, ids[-1]))

    def with_fixup(self, ids: list[str]) -> list[str]:
        """Return the visible layers of a stack, given from the lowest up, with a fixup layer if it needs one: `implied`."""
        ids = visible(self.directory, ids)
        if not needs_fixup(self.directory, ids):
            return ids
        from labcore.storage.fixup import add_fixup  # few images need it, and once

        return [*ids, add_fixup(self.directory, ids)]

    def prepared(self) -> Path:
        """Return the directory, made if it was missing."""
        self._prepare()
        return self.directory

    def _prepare(self) -> None:
        """Make what is missing. Nobody but root may look in: layers hold setuid programs, and devices."""
        try:
            found = read_bytes(f"{self.directory}/format").strip().decode(errors="replace")
        except FileNotFoundError:
            version = self.directory / "format"
            self.directory.mkdir(parents=True, exist_ok=True)
            self.directory.chmod(0o700)
            for name in ("layers", "scratch"):
                (self.directory / name).mkdir(exist_ok=True)
            atomic_write(version, f"{FORMAT}\n".encode())  # last: where it stands, the rest stands too
            return
        if found != FORMAT:
            raise StoreDamaged(
                f"{self.directory} has format {found!r}, and this labcore knows {FORMAT} only: use the one that made it, or "
                "another state root: --root, LABCORE_ROOT"
            )


@lru_cache(maxsize=4096)
def _size(directory: str) -> int:
    from pathlib import Path

    from labcore.storage.tree import size_of  # a start of a container weighs nothing

    return size_of(Path(directory), apparent=True)


@lru_cache(maxsize=1024)
def layer_id(diff_id: str) -> str:
    """Return the name that a layer of that diff_id has here. Raises StoreDamaged."""
    try:
        return checked_digest(diff_id).partition(":")[2][:ID_LENGTH]
    except ValueError:
        raise StoreDamaged(f"{diff_id!r} is no digest of a layer") from None


def unrepeated(ids: Sequence[str]) -> list[str]:
    """Return a stack, given from the lowest up, without repeated layers: each stays where it is topmost.

    That one hides its copies lower down, and overlayfs takes no directory twice.
    """
    return list(dict.fromkeys(reversed(ids)))[::-1]
