"""Resolving a name, an ID, the head of one, or a digest to an image; and walking an index down to its images."""

from __future__ import annotations

from labcore.errors import ImageNotFound, InvalidInput, LabcoreError
from labcore.images.index import DEPTH_MAX
from labcore.images.model import Manifest, read_index
from labcore.record import Record
from labcore.spec import Platform, Reference
from labcore.spec.media import INDEXES
from labcore.spec.platform import ranked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from labcore.images.layout import ImageLayout
    from labcore.images.model import Descriptor, Image

SHORTEST: Final = 4  # hex digits that may stand for an ID
SHOWN: Final = 12  # … and as many are shown


class Entry(Record):
    """An entry of the store: an image's manifest, or an index of several.

    It may have no name. `digests` are digest references: by which digests registries know it.
    """

    names: tuple[str, ...]
    descriptor: Descriptor
    digests: tuple[str, ...] = ()


def entries(store: ImageLayout) -> list[Entry]:
    """Return all entries, each manifest or index once, in the order in which they came. Raises StoreDamaged."""
    found: dict[str, Entry] = {}
    for name, descriptor in store.entries():
        known = found.get(descriptor.digest, Entry((), descriptor))
        if name and "@" in name:
            known = known.replace(digests=(*known.digests, name))
        elif name:
            known = known.replace(names=(*known.names, name))
        found[descriptor.digest] = known
    return list(found.values())


def find(store: ImageLayout, text: str) -> Entry:
    """Resolve a name, an ID, the head of one (4 digits or more) or a digest.

    For a name, `names` has that name only. Several manifests with one ID differ in compression: the first is returned. The ID
    of an image in an index means that image alone. Raises ImageNotFound, InvalidInput, StoreDamaged.
    """
    refused = None
    try:
        reference = Reference.parse(text)
        for entry in entries(store):
            if str(reference) in (*entry.names, *entry.digests) or reference.digest == entry.descriptor.digest:
                return entry.replace(names=tuple(name for name in entry.names if name == str(reference)))
    except InvalidInput as error:
        refused = error
    digits = text.removeprefix("sha256:")
    if len(digits) >= SHORTEST and set(digits) <= set("0123456789abcdef"):
        return _by_digits(store, text, digits)
    known = ", ".join(store.names()) or "none"
    raise refused or ImageNotFound(
        f"no image {reference} in {store.directory} (there: {known}); `labcore seed` makes some", missing=str(reference)
    )


def images(store: ImageLayout, descriptor: Descriptor, depth: int = 0) -> Iterator[Image]:
    """Yield the image of a manifest, or those of an index, as far as they are here and can be read."""
    try:
        if descriptor.media_type not in INDEXES:
            yield store.read(descriptor)
            return
        listed = read_index(store.blobs.read(descriptor), descriptor.digest) if depth < DEPTH_MAX else ()
    except LabcoreError:
        return
    for entry in listed:
        if entry.platform is None or entry.platform.os != "unknown":
            yield from images(store, entry, depth + 1)


def image_here(store: ImageLayout, descriptor: Descriptor) -> Image | None:
    """Return a manifest's image; of an index the one for this machine, else the first; None if none can be read."""
    found = list(images(store, descriptor))
    return best(found) if found else None


def best(images: Sequence[Image], platform: Platform | None = None) -> Image:
    """Return the image that suits a platform best, by default this machine's; the first if none does."""
    places = ranked([image.config.platform for image in images], platform or Platform.here())
    return images[places[0] if places else 0]


def parts(store: ImageLayout, descriptor: Descriptor, depth: int = 0) -> Iterator[Descriptor]:
    """Yield a manifest or index and all its parts; manifests of an index that are not here are skipped. Raises StoreDamaged."""
    yield descriptor
    content = store.blobs.read(descriptor)
    if descriptor.media_type not in INDEXES:
        yield from Manifest.parse(content, descriptor.digest).parts()
        return
    for entry in read_index(content, descriptor.digest):
        if depth < DEPTH_MAX and store.blobs.place(entry.digest).exists():
            yield from parts(store, entry, depth + 1)


def is_called(text: str, name: str) -> bool:
    """Is a text this name? An ID is none."""
    try:
        return str(Reference.parse(text)) == name
    except InvalidInput:
        return False


def _by_digits(store: ImageLayout, text: str, digits: str) -> Entry:
    found: dict[str, Entry] = {}
    for entry in entries(store):
        if entry.descriptor.digest.partition(":")[2].startswith(digits):
            found.setdefault(entry.descriptor.digest, entry)
        for image in images(store, entry.descriptor):
            alone = entry if image.descriptor.digest == entry.descriptor.digest else Entry((), image.descriptor)
            if any(digest.partition(":")[2].startswith(digits) for digest in (image.id, image.descriptor.digest)):
                found.setdefault(image.id, alone)
    meant = {entry.descriptor.digest for entry in found.values()}
    if not found:
        raise ImageNotFound(
            f"no image {text} in {store.directory}: no ID and no digest begins so, and no image is called so", missing=text
        )
    if len(meant) > 1:
        ids = ", ".join(digest.partition(":")[2][:SHOWN] for digest in sorted(found))
        raise InvalidInput(f"{text} is not clear: there are {ids}; give more digits")
    return next(iter(found.values()))
