"""load, save, import: images from archives and into them; what was loaded is unpacked, as after a pull."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from labcore.engine.image.speculative_unpack import SpeculativeUnpack
from labcore.errors import ImageNotFound
from labcore.images import Config, Image, ImageStore
from labcore.images.archive.reading import ArchivedImage, check_content, read
from labcore.images.archive.rootfs import image_of_rootfs
from labcore.images.archive.source import opened
from labcore.images.resolve import best
from labcore.spec import Platform, Reference
from labcore.storage import LayerStore
from labcore.timestamps import now

AT_ONCE: Final = 3  # layers, as in a pull


def load(
    store: ImageStore, source: Path | BinaryIO, *, platform: Platform | None = None, layers: LayerStore | None = None
) -> Sequence[ArchivedImage]:
    """Take the images of an archive into the store, all of them or none, and return them; with a platform those for it.

    `source` is a file, compressed or not; a directory that is an OCI layout; or an open stream, which is read once.
    The layers are unpacked if `layers` is a place for them, of several machines' images those for this one. An image without
    a name is kept without. Raises StoreDamaged, InvalidInput, ImageNotFound.
    """
    with store.using(), ExitStack() as undo:
        speculative = SpeculativeUnpack(layers, undo) if layers else None
        with opened(source) as archive:
            found = _named_once(_for_platform(read(store, archive, speculative), platform))
        for entry in found:
            ours = best(entry.images)
            for image in entry.images:
                if layers and image is ours:
                    unpack(store, layers, image, speculative)
                else:
                    check_content(store, image)
        for entry in found:
            for name in entry.names:
                store.tag(name, entry.descriptor)
            if not entry.names:
                store.keep(entry.descriptor)
    return found


def _for_platform(entries: Sequence[ArchivedImage], platform: Platform | None) -> Sequence[ArchivedImage]:
    """Return the entries, each narrowed down to its image for a platform if one is said. Raises ImageNotFound."""
    if platform is None:
        return entries
    chosen = [(entry, best(entry.images, platform)) for entry in entries]
    found = [
        entry.replace(images=(image,), descriptor=image.descriptor)
        for entry, image in chosen
        if image.config.platform.suits(platform)
    ]
    if not found:
        there = ", ".join(sorted({str(image.config.platform) for _, image in chosen}))
        raise ImageNotFound(f"requested platform ({platform}) not found: the archive has images for {there}")
    return found


def _named_once(entries: Sequence[ArchivedImage]) -> Sequence[ArchivedImage]:
    """Return the entries. A name that several have stays with the last that is for this machine, else with the last."""
    ours = [any(image.config.platform.suits(Platform.here()) for image in entry.images) for entry in entries]
    owners: dict[Reference, int] = {}
    for place, entry in enumerate(entries):
        owners |= {name: place for name in entry.names if ours[place] or name not in owners or not ours[owners[name]]}
    return [
        entry.replace(names=tuple(name for name in entry.names if owners[name] == place)) for place, entry in enumerate(entries)
    ]


def import_root(
    store: ImageStore,
    source: BinaryIO,
    what: str,
    *,
    name: Reference | None = None,
    settings: Callable[[Config], Config] = lambda config: config,
    message: str = "",
    platform: Platform | None = None,
    layers: LayerStore | None = None,
) -> Image:
    """Make an image of a root file system's archive, and name it if there is a name: `labcore.images.archive.rootfs`."""
    created = now()
    with store.using():
        image = image_of_rootfs(store, source, what, created=created, settings=settings, message=message, platform=platform)
        if layers:
            unpack(store, layers, image)
        if name:
            store.tag(name, image.descriptor, at=created)
        else:
            store.keep(image.descriptor)
    return image.replace(name=str(name or ""))


def unpack(store: ImageStore, layers: LayerStore, image: Image, speculative: SpeculativeUnpack | None = None) -> None:
    """Unpack an image's layers, a few at a time, unless they are unpacked. Raises StoreDamaged."""
    pairs = [
        (layer, diff_id)
        for layer, diff_id in zip(image.layers, image.config.diff_ids, strict=True)
        if speculative is None or layers.has(diff_id) or not speculative.adopt(layer, diff_id)
    ]
    if not pairs:
        return
    from concurrent.futures import ThreadPoolExecutor  # most archives' layers are unpacked by now

    with ThreadPoolExecutor(AT_ONCE) as pool:
        added = [pool.submit(layers.add, diff_id, partial(_open, store.blob_path(layer))) for layer, diff_id in pairs]
        for one in added:
            one.result()


def _open(path: Path) -> BinaryIO:
    return path.open("rb")
