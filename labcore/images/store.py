"""Image store: an OCI image layout on disk, tags and blobs (image-spec, image-layout.md).

::

    ROOT/images/oci-layout      the format's version
                index.json      names -> manifests
                blobs/sha256/…  manifests, configs, layers: `labcore.images.blobs`
                leases/…        blobs in use: `labcore.images.leases`

Other tools can read it: `skopeo inspect oci:ROOT/images:busybox:latest`.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Final

from labcore.atomic import atomic_write
from labcore.errors import ImageNotFound, InvalidInput, StoreDamaged
from labcore.images.blobs import Blobs
from labcore.images.config import Config
from labcore.images.leases import Leases
from labcore.images.model import REF_NAME, Descriptor, Image, Manifest, read_index
from labcore.locks import Lock
from labcore.spec import Platform, Reference
from labcore.spec.media import CONFIG, INDEX, INDEXES, MANIFEST
from labcore.spec.platform import choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.tar import Chunk

LAYOUT_VERSION: Final = "1.0.0"
DEPTH_MAX: Final = 4  # indexes in indexes
UNKNOWN: Final = Platform("unknown", "unknown")  # of what an index lists beside images: statements about them

# Images that were read and checked, as long as the index that led to them has not been replaced.
_FOUND: dict[tuple[str, tuple[int, int, int], str], Image] = {}


class ImageStore:
    """Images by name, blobs by digest."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.leases = Leases(directory)
        self.blobs = Blobs(directory, self.leases.note)

    def using(self) -> AbstractContextManager[None]:
        """Hold a lease: all blobs that are put, fetched or got in the block are kept from garbage collection.

        Write a blob and tag it in one block; read an image's blobs in one, too.
        """
        self._prepare()
        return self.leases.using()

    # --- blobs

    def put_blob(self, content: "bytes | BinaryIO | Iterator[Chunk]", media_type: str, wanted: str | None = None) -> Descriptor:
        """Store a blob and return its descriptor: `Blobs.put`."""
        self._prepare()
        return self.blobs.put(content, media_type, wanted)

    def fetch_blob(self, descriptor: Descriptor, chunks_from: "Callable[[int], Iterable[Chunk]]") -> bool:
        """Download a blob unless it is here; return whether it was not: `Blobs.fetch`."""
        self._prepare()
        return self.blobs.fetch(descriptor, chunks_from)

    def has_blob(self, digest: str, size: int) -> bool:
        """Is a blob of that digest and size here? `Blobs.has`."""
        self._prepare()
        return self.blobs.has(digest, size)

    def blob_path(self, descriptor: Descriptor) -> Path:
        """Return a blob's path. Raises StoreDamaged if it is missing, or has another size."""
        return self.blobs.path(descriptor)

    # --- images

    def put_image(self, reference: Reference | None, layers: Iterable[Descriptor], config: Config) -> Image:
        """Make an image of layers in the store, the lowest first, and tag it; without a reference it is kept untagged.

        The config has the layers' diff_ids.
        """
        with self.using():
            manifest = Manifest(self.put_blob(config.to_bytes(), CONFIG), tuple(layers))
            descriptor = self.put_blob(manifest.to_bytes(), MANIFEST)
            if reference is not None:
                return self.admit(reference, descriptor)
            self.keep(descriptor)
            return self.read(descriptor)

    def admit(self, reference: Reference, manifest: Descriptor) -> Image:
        """Tag an image after checking that all its parts are here. Raises StoreDamaged; then nothing is tagged."""
        image = self._read(str(reference), manifest)
        for layer in image.layers:
            self.blobs.path(layer)
        self.tag(reference, manifest)
        return image

    def get(self, reference: Reference, platform: Platform | None = None) -> Image:
        """Return the image of that name; of an index the one for the platform, by default this machine's.

        Raises ImageNotFound, StoreDamaged.
        """
        try:
            status = (self.directory / "index.json").stat()
        except FileNotFoundError:
            return self._find(reference, platform)
        version = (status.st_ino, status.st_mtime_ns, status.st_size)
        key = (str(self.directory), version, f"{reference} {platform or ''}")
        if key not in _FOUND:
            if len(_FOUND) > 64:
                _FOUND.clear()
            _FOUND[key] = self._find(reference, platform)
        self.leases.note(_FOUND[key].descriptor.digest)
        return _FOUND[key]

    def find(self, text: str, platform: Platform | None = None) -> Image:
        """Return the image of a name, an ID, the head of one, or a digest; the platform is as in `get`.

        Raises ImageNotFound, InvalidInput, StoreDamaged.
        """
        try:
            return self.get(Reference.parse(text), platform)
        except (ImageNotFound, InvalidInput):
            from labcore.images.resolve import find  # rarely needed, and `run` is in a hurry

            found = find(self, text)
            return self._read(found.names[0] if found.names else found.descriptor.digest[:19], found.descriptor, platform)

    def _find(self, reference: Reference, platform: Platform | None) -> Image:
        for name, descriptor in self.entries():
            by_digest = reference.digest is not None and descriptor.digest == reference.digest
            if by_digest or name == str(reference):
                return self._read(str(reference), descriptor, platform)
        known = ", ".join(self.names()) or "none"
        raise ImageNotFound(
            f"no image {reference} in {self.directory} (there: {known}); `labcore seed --list` says which can be made here"
        )

    def read(self, descriptor: Descriptor) -> Image:
        """Return the image of a manifest; of an index the one for this machine. Raises StoreDamaged, ImageNotFound."""
        return self._read(descriptor.digest[:19], descriptor)

    def _read(self, name: str, descriptor: Descriptor, platform: Platform | None = None) -> Image:
        """Read a descriptor's image. Raises StoreDamaged; ImageNotFound if an index has none for the platform."""
        for _ in range(DEPTH_MAX):
            what = f"{name}: {descriptor.digest}"
            content = self.blobs.read(descriptor)
            if descriptor.media_type not in INDEXES:
                return self._image(name, descriptor, Manifest.parse(content, what))
            offered = [self._with_platform(entry) for entry in read_index(content, what)]
            descriptor = chosen(offered, platform or Platform.here(), name)
        raise StoreDamaged(f"{name}: an index leads to an index, {DEPTH_MAX} times")

    def _with_platform(self, entry: Descriptor) -> Descriptor:
        """Return an index's entry with its platform; where the index does not say it, the image's config does."""
        if entry.platform or entry.media_type in INDEXES or not self.blobs.place(entry.digest).exists():
            return entry
        manifest = Manifest.parse(self.blobs.read(entry), entry.digest)
        if manifest.artifact:
            return entry.replace(platform=UNKNOWN)
        return entry.replace(platform=Config.parse(self.blobs.read(manifest.config), manifest.config.digest).platform)

    def _image(self, name: str, descriptor: Descriptor, manifest: Manifest) -> Image:
        manifest.refuse_artifact(name)
        config = Config.parse(self.blobs.read(manifest.config), f"{name}: {manifest.config.digest}")
        manifest.check_layers(config, name)
        return Image(name, descriptor, manifest.layers, config, manifest.config)

    # --- names

    def tag(self, reference: Reference, manifest: Descriptor) -> None:
        """Tag a manifest or index; the tag is taken from the image that had it."""
        self._prepare()
        with Lock(self.directory).acquire():
            self.entries()  # refuses an index that is damaged
            named = manifest.to_json() | {"annotations": {REF_NAME: str(reference)}}
            others = [entry for entry in self._others(reference) if _name_of(entry) or entry["digest"] != manifest.digest]
            self._write_index([*others, named])

    def keep(self, manifest: Descriptor) -> None:
        """Add an image without a tag, until `tag` gives it one or `drop` removes it."""
        self._prepare()
        with Lock(self.directory).acquire():
            if manifest.digest not in (descriptor.digest for _, descriptor in self.entries()):
                self._write_index([*self._index()["manifests"], manifest.to_json()])

    def drop(self, digests: Collection[str]) -> None:
        """Remove manifests and indexes with all their tags; their blobs stay until they are collected."""
        with Lock(self.directory).acquire():
            self.entries()
            self._write_index([entry for entry in self._index()["manifests"] if entry["digest"] not in digests])

    def untag(self, reference: Reference) -> None:
        """Remove a tag; its blobs stay until they are collected. Raises ImageNotFound."""
        self._prepare()
        with Lock(self.directory).acquire():
            if str(reference) not in self.names():
                raise ImageNotFound(f"no image {reference} in {self.directory} (there: {', '.join(self.names()) or 'none'})")
            self._write_index(self._others(reference))

    def untag_all(self, names: Collection[str]) -> None:
        """Remove those of the tags that exist."""
        with Lock(self.directory).acquire():
            self.entries()
            self._write_index([entry for entry in self._index()["manifests"] if _name_of(entry) not in names])

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(name for name, _ in self.entries() if name)

    def entries(self) -> list[tuple[str | None, Descriptor]]:
        """Return the index as names with descriptors; an entry may have no name. Raises StoreDamaged."""
        try:
            return [(_name_of(entry), Descriptor.from_json(entry)) for entry in self._index()["manifests"]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreDamaged(f"{self.directory / 'index.json'} is no image index: {error!r}") from error

    # --- files

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        layout = self.directory / "oci-layout"
        if not layout.exists():
            atomic_write(layout, json.dumps({"imageLayoutVersion": LAYOUT_VERSION}).encode())

    def _index(self) -> Any:
        try:
            return json.loads((self.directory / "index.json").read_bytes())
        except FileNotFoundError:
            return {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
        except ValueError as error:
            raise StoreDamaged(f"{self.directory / 'index.json'} is no JSON: {error}") from error

    def _others(self, reference: Reference) -> list[Any]:
        return [entry for entry in self._index()["manifests"] if _name_of(entry) != str(reference)]

    def _write_index(self, entries: list[Any]) -> None:
        index = self._index() | {"manifests": entries}
        atomic_write(self.directory / "index.json", json.dumps(index, indent=1).encode())


def _name_of(entry: Any) -> str | None:
    """Return the name that an entry of the index has, if it has one."""
    name = (entry.get("annotations") or {}).get(REF_NAME)
    return None if name is None else str(name)


def chosen(manifests: Iterable[Descriptor], wanted: Platform, name: str) -> Descriptor:
    """Return the manifest of an index for the platform, or else the first one without a platform.

    Raises ImageNotFound, naming the platforms that there are.
    """
    offered = list(manifests)
    place = choose([entry.platform or Platform("", "") for entry in offered], wanted)
    if place is None:
        place = next((number for number, entry in enumerate(offered) if entry.platform is None), None)
    if place is None:
        there = ", ".join(sorted({str(entry.platform) for entry in offered if entry.platform != UNKNOWN})) or "nothing"
        raise ImageNotFound(f"{name} is not made for {wanted}: there is {there}")
    return offered[place]
