"""Image store: an OCI image layout on disk, tags and blobs (image-spec, image-layout.md).

::

    ROOT/images/oci-layout      the format's version
                index.json      names -> manifests
                blobs/sha256/…  manifests, configs, layers: `labcore.images.blobs`
                leases/…        blobs in use: `labcore.images.leases`

Other tools can read it: `skopeo inspect oci:ROOT/images:busybox:latest`.
"""

from __future__ import annotations

from labcore.errors import ImageNotFound, InvalidInput
from labcore.images.layout import ImageLayout
from labcore.images.leases import Leases
from labcore.images.model import Manifest
from labcore.spec import Reference
from labcore.spec.media import CONFIG, MANIFEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from labcore.images.config import Config
    from labcore.images.model import Descriptor, Image
    from labcore.spec import Platform
    from labcore.tar import Chunk

# Images that were read and checked, as long as the index that led to them has not been replaced.
_FOUND: dict[tuple[str, tuple[int, int, int], Reference, Platform | None], Image] = {}


class ImageStore(ImageLayout):
    """Images by name, blobs by digest."""

    def __init__(self, directory: Path) -> None:
        self.leases = Leases(directory)
        super().__init__(directory, self.leases.note)

    def using(self) -> AbstractContextManager[None]:
        """Hold a lease: all blobs that are put, fetched or got in the block are kept from garbage collection.

        Write a blob and tag it in one block; read an image's blobs in one, too.
        """
        self.prepare()
        return self.leases.using()

    # --- blobs

    def put_blob(
        self,
        content: bytes | BinaryIO | Iterator[Chunk],
        media_type: str,
        wanted: str | None = None,
        *,
        durable: bool = True,
    ) -> Descriptor:
        """Store a blob and return its descriptor: `Blobs.put`."""
        self.prepare()
        return self.blobs.put(content, media_type, wanted, durable=durable)

    def fetch_blob(self, descriptor: Descriptor, chunks_from: Callable[[int], Iterable[Chunk]]) -> bool:
        """Download a blob unless it is here; return whether it was not: `Blobs.fetch`."""
        self.prepare()
        return self.blobs.fetch(descriptor, chunks_from)

    def has_blob(self, digest: str, size: int) -> bool:
        """Is a blob of that digest and size here? `Blobs.has`."""
        self.prepare()
        return self.blobs.has(digest, size)

    def blob_path(self, descriptor: Descriptor) -> Path:
        """Return a blob's path. Raises StoreDamaged if it is missing, or has another size."""
        return self.blobs.path(descriptor)

    # --- images

    def put_image(
        self, reference: Reference | None, layers: Iterable[Descriptor], config: Config, *, parent: str = "", at: str = ""
    ) -> Image:
        """Make an image of layers in the store, the lowest first, and tag it; without a reference it is kept untagged.

        The config has the layers' diff_ids; `parent` and `at` are those of `keep` and `tag`. One that has that tag already is
        left as it is.
        """
        with self.using():
            manifest = Manifest(self.put_blob(config.to_bytes(), CONFIG), tuple(layers))
            descriptor = self.put_blob(manifest.to_bytes(), MANIFEST)
            if reference is None:
                self.keep(descriptor, parent=parent)
                return self.read(descriptor)
            if (str(reference), descriptor) in self.entries():
                return self.read(descriptor, str(reference))
            return self.admit(reference, descriptor, at=at, parent=parent)

    def admit(
        self, reference: Reference, manifest: Descriptor, *, at: str = "", instead: bool = False, parent: str = ""
    ) -> Image:
        """Tag an image after checking that all its parts are here: `tag`. Raises StoreDamaged; then nothing is tagged."""
        image = self.read(manifest, str(reference))
        for layer in image.layers:
            self.blobs.path(layer)
        self.tag(reference, manifest, at=at, instead=instead, parent=parent)
        return image

    def get(self, reference: Reference, platform: Platform | None = None) -> Image:
        """Return the image of that name; of an index the one for the platform, by default this machine's.

        Raises ImageNotFound, StoreDamaged.
        """
        version = self.version()
        if version is None:
            return self._find(reference, platform)
        key = (str(self.directory), version, reference, platform)
        found = _FOUND.get(key)
        if found is None:
            if len(_FOUND) > 64:
                _FOUND.clear()
            found = _FOUND[key] = self._find(reference, platform)
        self.leases.note(found.descriptor.digest)
        return found

    def find(self, text: str, platform: Platform | None = None) -> Image:
        """Return the image of a name, an ID, the head of one, or a digest; the platform is as in `get`.

        Raises ImageNotFound, InvalidInput, StoreDamaged.
        """
        try:
            return self.get(Reference.parse(text), platform)
        except (ImageNotFound, InvalidInput):
            from labcore.images.resolve import find  # rarely needed, and `run` is in a hurry

            found = find(self, text)
            return self.read(found.descriptor, found.names[0] if found.names else "", platform)

    def _find(self, reference: Reference, platform: Platform | None) -> Image:
        for name, descriptor in self.entries():
            by_digest = reference.digest is not None and descriptor.digest == reference.digest
            if by_digest or name == str(reference):
                return self.read(descriptor, str(reference), platform)
        known = ", ".join(self.names()) or "none"
        raise ImageNotFound(
            f"no image {reference} in {self.directory} (there: {known}); `labcore seed --list` says which can be made here",
            missing=str(reference),
        )
