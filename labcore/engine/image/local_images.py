"""Local images: the store's images by their IDs, each with all its tags and digest references (Docker's reference store)."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from itertools import islice

from labcore.errors import ImageNotFound, InvalidInput, StoreDamaged
from labcore.images.resolve import best, find, image_here, images
from labcore.record import Record
from labcore.spec import Reference
from labcore.spec.media import INDEXES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from labcore.engine.engine import Engine
    from labcore.images import Config, Descriptor, Image, ImageStore
    from labcore.images.layout import Listed, Version
    from labcore.spec import Platform

KNOWN_MAX: Final = 4096
ARCHIVE_MAX: Final = 256 << 20  # bytes of a layer that is not unpacked, which are looked through to know its size
CHUNK_SIZE: Final = 1 << 20
# Images that were read and checked, by their store and their manifest: what has a digest does not change.
_KNOWN: dict[tuple[str, str], Image] = {}
# The images of a store, as long as its index has not been replaced.
_LISTED: dict[str, tuple[Version, Mapping[str, LocalImage]]] = {}


class LocalImage(Record):
    """An image of the store, for this machine if there are several, under all its names, sorted as Docker does.

    `manifests` are the digests of what the index lists of it: manifests that differ in compression, an index of several
    machines' images. `parent` is the ID of the image that it was committed on, `tagged` when it got a name here.
    """

    image: Image
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()
    parent: str = ""
    tagged: str = ""

    @property
    def id(self) -> str:
        """Its ID."""
        return self.image.id

    @property
    def references(self) -> tuple[str, ...]:
        """Its tags and digest references."""
        return tuple(sorted((*self.tags, *self.digests), key=_full))

    @property
    def short_id(self) -> str:
        """The head of its ID, as it is shown."""
        return self.id.partition(":")[2][:12]


def local_images(store: ImageStore) -> Mapping[str, LocalImage]:
    """Return all images by their IDs; what is damaged is passed over. Raises StoreDamaged if the index is."""
    version = store.version()
    known = _LISTED.get(str(store.directory))
    if known is None or known[0] != version:
        known = _LISTED[str(store.directory)] = (version, _all(store))
    return known[1]


def _all(store: ImageStore) -> dict[str, LocalImage]:
    found: dict[str, list[tuple[Image, Listed]]] = {}
    for line in store.listed():
        if image := _image_of(store, line.descriptor):
            found.setdefault(image.id, []).append((image, line))
    return {id: _local(pairs[0][0], [line for _, line in pairs]) for id, pairs in found.items()}


def _local(image: Image, lines: Sequence[Listed]) -> LocalImage:
    names = {line.name for line in lines if line.name and _is_name(line.name)}
    return LocalImage(
        image,
        tags=tuple(sorted((name for name in names if "@" not in name), key=_full)),
        digests=tuple(sorted((name for name in names if "@" in name), key=_full)),
        manifests=tuple(dict.fromkeys(line.descriptor.digest for line in lines)),
        parent=max(line.parent for line in lines),
        tagged=max(line.tagged for line in lines),
    )


def _image_of(store: ImageStore, descriptor: Descriptor) -> Image | None:
    key = (str(store.directory), descriptor.digest)
    if (known := _KNOWN.get(key)) is not None:
        return known
    found = image_here(store, descriptor)
    if found is not None and descriptor.media_type not in INDEXES:  # of an index, more may come
        if len(_KNOWN) >= KNOWN_MAX:
            _KNOWN.clear()
        _KNOWN[key] = found
    return found


def local_image(store: ImageStore, text: str, platform: Platform | None = None) -> LocalImage:
    """Return the image of a name, an ID, the head of one, or a digest; of several machines' images the one for the platform.

    Raises ImageNotFound, also if there is none for a platform that is said; InvalidInput, StoreDamaged.
    """
    here = list(images(store, find(store, text).descriptor))
    if not here:
        raise ImageNotFound(f"{text}: what is here of it cannot be read: `labcore fsck` says more", missing=text)
    found = best(here, platform)
    if platform and not found.config.platform.suits(platform):
        raise ImageNotFound(
            f"image with reference {text} was found but its platform ({found.config.platform}) "
            f"does not match the specified platform ({platform})"
        )
    return local_images(store).get(found.id, LocalImage(found))


def is_id(text: str, id: str) -> bool:
    """Is a text that image's ID, or its head?"""
    return bool(text) and (id.startswith(text) or id.partition(":")[2].startswith(text))


def layer_sizes(engine: Engine, image: Image) -> list[int]:
    """Return how many bytes the regular files of each layer have, as Docker counts, whether it is unpacked or not."""
    pairs = zip(image.layers, image.config.diff_ids, strict=True)
    return [
        _archived_size(str(engine.images.blobs.place(layer.digest)), layer.size)
        if (size := engine.layers.size(diff_id)) is None
        else size
        for layer, diff_id in pairs
    ]


@lru_cache(maxsize=KNOWN_MAX)
def _archived_size(path: str, stored: int) -> int:
    """Return how many bytes the files in a layer's archive have; how many it has if it is too large to look, or damaged."""
    from labcore.tar import Archive, BadArchive
    from labcore.tar.decompressing import decompressed

    if stored > ARCHIVE_MAX:
        return stored
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a path in a cache's key is a text
            plain = decompressed(file, path)
            chunks = iter(lambda: plain.read(CHUNK_SIZE), b"")
            found = sum(entry.real_size for entry in Archive(islice(chunks, ARCHIVE_MAX // CHUNK_SIZE)))
    except (OSError, BadArchive, StoreDamaged):
        return stored
    return found


def chain_ids(config: Config) -> list[str]:
    """Return the chain IDs of the layers of a config, from the lowest up (image-spec, config.md, layer ChainID)."""
    found: list[str] = []
    for diff_id in config.diff_ids:
        text = f"{found[-1]} {diff_id}" if found else ""
        found.append(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" if found else diff_id)
    return found


def _is_name(text: str) -> bool:
    try:
        Reference.parse(text)
    except InvalidInput:  # another tool has named it in the store, by a word that is no name here
        return False
    return True


def _full(name: str) -> str:
    reference = Reference.parse(name)
    return f"{reference.registry}/{reference.repository}:{reference.tag or ''}@{reference.digest or ''}"
