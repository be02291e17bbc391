"""Images of a root file system's tar archive, with it as the only layer: `docker import`."""

import hashlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from labcore.errors import StoreDamaged
from labcore.images.archive.tar import CHUNK_SIZE
from labcore.images.config import Config, History
from labcore.images.model import Descriptor, Image, Manifest
from labcore.images.store import ImageStore
from labcore.spec import Platform
from labcore.spec.media import CONFIG, LAYER, LAYER_TYPES, MANIFEST
from labcore.tar import Archive, BadArchive
from labcore.tar.decompressing import Peeked, compression, decompressed


def image_of_rootfs(
    store: ImageStore,
    source: BinaryIO,
    what: str,
    *,
    created: str,
    settings: Callable[[Config], Config] = lambda config: config,
    message: str = "",
    platform: Platform | None = None,
) -> Image:
    """Store a root file system's archive, plain or compressed, as a layer, and return an image of it without a tag.

    `what` names the archive in errors and in the history, `settings` make the image's of none, `created` is a time as RFC 3339
    writes it. Call it inside `using`. Raises StoreDamaged, InvalidInput.
    """
    where = platform or Platform.here()
    config = Config(
        architecture=where.architecture,
        os=where.os,
        variant=where.variant,
        diff_ids=(),
        created=created,
        history=(History(created=created, comment=message or f"Imported from {what}"),),
    )
    config = settings(config)
    layer, diff_id = _layer(store, source, what)
    config = config.replace(diff_ids=(diff_id,))
    parts = Manifest(store.put_blob(config.to_bytes(), CONFIG), (layer,))
    return Image("", store.put_blob(parts.to_bytes(), MANIFEST), parts.layers, config, parts.config)


def _layer(store: ImageStore, source: BinaryIO, what: str) -> tuple[Descriptor, str]:
    """Store the archive, decompressed unless layers may have its compression, and return it with its diff_id."""
    raw = Peeked(source)
    media_type = LAYER_TYPES.get(compression(raw.head))
    layer = store.put_blob(raw, media_type) if media_type else store.put_blob(decompressed(raw, what), LAYER)
    if not layer.size:
        raise StoreDamaged(f"{what} is no tar archive of a root file system: there is nothing in it")
    digest = hashlib.sha256()
    with store.blob_path(layer).open("rb") as file:
        archive = Archive(_hashed(decompressed(file, what), digest))
        try:
            next(iter(archive), None)  # none at all are those of an image `scratch`
        except BadArchive as error:
            raise StoreDamaged(f"{what} is no tar archive of a root file system: {error}") from None
        if media_type is None:
            return layer, layer.digest
        archive.drain()
    return layer, f"sha256:{digest.hexdigest()}"


def _hashed(plain: BinaryIO, digest: "hashlib._Hash") -> Iterator[bytes]:
    while chunk := plain.read(CHUNK_SIZE):
        digest.update(chunk)
        yield chunk
