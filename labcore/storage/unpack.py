"""A layer's archive becomes a directory that overlayfs can use (image-spec, layer.md)."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from labcore.errors import StoreDamaged
from labcore.native import syncfs
from labcore.space import FULL, room_for
from labcore.storage.collecting import incoming
from labcore.storage.extract import Extractor
from labcore.storage.inflate import inflated_ahead
from labcore.tar import Archive, BadArchive

NOT_THE_LAYERS_FAULT: Final = {errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, *FULL}


def unpack(
    layers: Path, open_archive: Callable[[], BinaryIO], diff_id: str | None, name_of: Callable[[str], str]
) -> str:  # fmt: skip
    """Unpack an archive, compressed with gzip or zstd or plain, as a directory that appears whole or not at all.

    It lies in `layers`, under the name that `name_of` gives for its diff_id, which is returned.
    Raises StoreDamaged if it is no archive, or if the digest of its uncompressed bytes is not `diff_id`; StoreFull.
    """
    with room_for(f"layer {diff_id}" if diff_id else "a layer", layers), incoming(layers) as place:
        found = _unpack_checked(open_archive, place, diff_id)
        place.chmod(0o755)
        _rename_or_keep(place, layers / name_of(found))
    return found


def _rename_or_keep(place: Path, target: Path) -> None:
    try:
        place.rename(target)
    except OSError:
        if not target.is_dir():  # or else somebody else was faster
            raise


def _unpack_checked(open_archive: Callable[[], BinaryIO], directory: Path, diff_id: str | None) -> str:
    root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with open_archive() as raw:
            found = _extract(raw, root, f"layer {diff_id or ''}".strip(), (diff_id or "sha256").partition(":")[0])
        if diff_id and found != diff_id:
            raise StoreDamaged(f"a layer should have the digest {diff_id} and has {found}: make or pull the image anew")
        syncfs(root)  # the name must not outlive a crash that the content did not
        return found
    except OSError as error:
        if error.errno in NOT_THE_LAYERS_FAULT or (os.geteuid() and isinstance(error, PermissionError)):
            raise
        raise StoreDamaged(f"layer {diff_id} asks for what cannot be: {error}") from error
    except BadArchive as error:
        raise StoreDamaged(f"layer {diff_id} is no tar archive that can be read: {error}") from error
    except (ValueError, OverflowError) as error:
        raise StoreDamaged(f"layer {diff_id} is damaged: {error}") from error
    finally:
        os.close(root)


def _extract(raw: BinaryIO, root: int, what: str, algorithm: str) -> str:
    """Make the files; return the digest of the archive before compression."""
    with inflated_ahead(raw, what, algorithm) as (chunks, digest):
        archive = Archive(chunks)
        with Extractor(root) as extractor:
            extractor.extract(archive)
        archive.drain()
        return digest()
