"""Unpacked layers, shared by all containers: the lower directories of their overlays.

    ROOT/storage/format       the version of what lies here
                 layers/ID/   one layer's files; ID is the head of the digest of its uncompressed archive
                 scratch/     an empty directory: every container mounts its own tmpfs there, in its own mount namespace
"""

import gzip
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from labcore.errors import LabcoreError, StoreDamaged
from labcore.native import Step, perform
from labcore.native._native import lib
from labcore.spec import OverlayRoot
from labcore.storage.unpack import unpack

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
        self._prepare()
        incoming = Path(tempfile.mkdtemp(dir=target.parent, prefix=".incoming-"))
        try:
            _unpack_checked(open_archive, incoming, diff_id)
            incoming.chmod(0o755)
            _rename_or_keep(incoming, target)
        except BaseException:
            shutil.rmtree(incoming, ignore_errors=True)
            raise
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


class _Hashing(io.RawIOBase):
    """A reader that hashes what passes through it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._source.read(size)
        self._digest.update(chunk)
        return chunk

    def finish(self) -> str:
        """Read what is left (an archive may be padded) and return the digest of all."""
        while self.read(1 << 20):
            pass
        return "sha256:" + self._digest.hexdigest()


def _unpack_checked(open_archive: Callable[[], BinaryIO], directory: Path, diff_id: str) -> None:
    root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with open_archive() as raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            hashing = _Hashing(gzip.GzipFile(fileobj=raw) if is_gzip else raw)  # type: ignore[arg-type]
            unpack(hashing, root)  # type: ignore[arg-type]
            found = hashing.finish()
        if found != diff_id:
            raise StoreDamaged(f"a layer should have the digest {diff_id} and has {found}: make or pull the image anew")
        perform(Step("syncfs", lib.SYS_syncfs, (root,)))  # the name must not outlive a crash that the content did not
    except (EOFError, gzip.BadGzipFile) as error:
        raise StoreDamaged(f"layer {diff_id} is damaged: {error}") from error
    finally:
        os.close(root)


def _rename_or_keep(incoming: Path, target: Path) -> None:
    try:
        incoming.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(incoming)  # somebody else was faster
