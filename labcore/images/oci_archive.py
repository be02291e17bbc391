"""OCI archives: images out of a seekable tar of an OCI layout, a kit's or that of `skopeo copy … oci-archive:FILE`."""

import json
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from labcore.errors import ImageNotFound, InvalidInput, StoreDamaged
from labcore.images.blobs import CHUNK_SIZE
from labcore.images.model import REF_NAME, Descriptor, Image, Manifest
from labcore.images.store import ImageStore
from labcore.spec import Platform, Reference
from labcore.spec.media import INDEXES

FOLDERS: Final = ("", "images/")  # where in an archive the layout may lie
INDEX_MAX: Final = 4 << 20


class OciArchive:
    """The layout in an open archive, which is not trusted: a blob without its digest is refused."""

    def __init__(self, tar: tarfile.TarFile, path: Path) -> None:
        self._tar = tar
        self._path = path
        self._members = {member.name.removeprefix("./"): member for member in tar if member.isreg()}
        self._folder = next((folder for folder in FOLDERS if f"{folder}index.json" in self._members), None)
        if self._folder is None:
            raise InvalidInput(f"{path} holds no images: neither a kit nor an OCI archive")

    def images(self) -> dict[str, Descriptor]:
        """Return the images by name. Raises StoreDamaged."""
        try:
            index = b"".join(self._read(f"{self._folder}index.json"))
            if len(index) > INDEX_MAX:
                raise ValueError("too large")
            entries = json.loads(index)["manifests"]
            named = [((entry.get("annotations") or {}).get(REF_NAME), Descriptor.from_json(entry)) for entry in entries]
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise StoreDamaged(f"{self._path}: its index cannot be read: {error!r}") from error
        found: dict[str, Descriptor] = {}
        for name, descriptor in named:  # a name may be there once for each machine
            if name and (name not in found or descriptor.platform is None or descriptor.platform.suits(Platform.here())):
                found[str(name)] = descriptor
        return found

    def copy_image(self, store: ImageStore, name: str, manifest: Descriptor) -> Image:
        """Copy an image into a store, and tag it; blobs that the store has are not copied. Raises StoreDamaged."""
        reference = Reference.parse(name)
        if manifest.media_type in INDEXES:
            raise InvalidInput(f"{self._path}: {name} is for several platforms, and one is wanted")
        with store.using():
            self._fetch(store, manifest)
            content = store.blob_path(manifest).read_bytes()
            for part in Manifest.parse(content, f"{name}: {manifest.digest}").parts():
                self._fetch(store, part)
            return store.admit(reference, manifest)

    def _fetch(self, store: ImageStore, descriptor: Descriptor) -> None:
        algorithm, _, encoded = descriptor.digest.partition(":")
        name = f"{self._folder}blobs/{algorithm}/{encoded}"
        store.fetch_blob(descriptor, lambda offset: self._read(name, offset))

    def _read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        if name not in self._members:
            raise StoreDamaged(f"{self._path} has no {name}: copy it again")
        source = self._tar.extractfile(self._members[name])
        assert source is not None
        source.seek(offset)
        while piece := source.read(CHUNK_SIZE):
            yield piece


@contextmanager
def opened(path: Path) -> Iterator[OciArchive]:
    """Open an archive of images. Raises InvalidInput if it is none, StoreDamaged if it is truncated."""
    try:
        with tarfile.open(path, "r:") as tar:
            yield OciArchive(tar, path)
    except tarfile.TarError as error:
        raise StoreDamaged(f"{path} cannot be read as an archive: {error}. Copy it again") from error
    except FileNotFoundError:
        raise InvalidInput(f"there is no archive of images at {path}") from None


def copy_images(store: ImageStore, path: Path, names: Iterable[str] = ()) -> Iterator[Image]:
    """Copy images out of an archive into a store, those named or all; yield each as soon as it is complete.

    Raises ImageNotFound for a name that is not in it, InvalidInput, StoreDamaged.
    """
    with opened(path) as layout:
        there = layout.images()
        for name in [str(Reference.parse(name)) for name in names] or there:
            if name not in there:
                raise ImageNotFound(f"no image {name} in {path} (there: {', '.join(sorted(there)) or 'none'})")
            yield layout.copy_image(store, name, there[name])
