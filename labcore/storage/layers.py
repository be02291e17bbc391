"""Unpacked layers, shared by all containers: the lower directories of their overlays.

ROOT/storage/format       the version of what lies here
layers/ID/   one layer's files; ID is the head of the digest of its uncompressed archive
scratch/     an empty directory: every container mounts its own tmpfs there, in its own mount namespace
"""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from labcore.errors import LabcoreError
from labcore.spec import OverlayRoot

FORMAT = "1"
ID_LENGTH = 32  # hex digits: 128 bits tell layers apart, and 120 such names fit the page that mount(2) takes


class LayerStore:
    """Layers on disk, by the digest of their uncompressed archive (`diff_id`)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def add(self, diff_id: str, open_archive: Callable[[], BinaryIO]) -> str:
        """Unpack a layer unless it is there already; return its id. It appears whole or not at all.

        `open_archive` returns the archive, gzipped or plain. Raises StoreDamaged if its digest is not `diff_id`.
        """
        name = diff_id.removeprefix("sha256:")[:ID_LENGTH]
        target = self.directory / "layers" / name
        if target.is_dir():
            return name
        from labcore.storage.unpack import unpack_into  # only the first container of an image needs it

        self._prepare()
        unpack_into(target, open_archive, diff_id)
        return name

    def overlay(self, ids: list[str]) -> OverlayRoot:
        """Return the root made of these layers, given from the lowest up, with a writable one in memory on top."""
        return OverlayRoot(str(self.directory), tuple(f"layers/{name}" for name in reversed(ids)), "scratch")

    def _prepare(self) -> None:
        for name in ("layers", "scratch"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        version = self.directory / "format"
        if not version.exists():
            version.write_text(FORMAT + "\n")
        elif version.read_text().strip() != FORMAT:
            raise LabcoreError(f"{self.directory} has format {version.read_text().strip()}, this labcore knows {FORMAT}")
