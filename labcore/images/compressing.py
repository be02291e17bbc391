"""Layer compression: plain layers are gzipped before a push."""

from __future__ import annotations

import io
import os
import struct

from labcore.images.model import Descriptor, Image, Manifest
from labcore.images.store import ImageStore
from labcore.spec import Reference
from labcore.spec.media import CONFIG, DOCKER_CONFIG, DOCKER_LAYER, DOCKER_LAYER_GZIP, LAYER, LAYER_GZIP, LAYER_TYPES, MANIFEST
from labcore.tar.decompressing import LONGEST, compression, decompressed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from typing import BinaryIO, Final

    from labcore.spec import Platform

BLOCK_SIZE: Final = 1 << 20  # bytes before compression; another size would give other digests
GZIP_HEADER: Final = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255))  # deflate, no flags, no time, an unknown system
LAST_BLOCK: Final = b"\x03\x00"  # an empty one, of deflate's fixed codes
LEVEL: Final = 2  # of isal's 0 to 3: a fifth of the time that zlib takes, for some percent more bytes
OCI_NAMES: Final = {DOCKER_CONFIG: CONFIG, DOCKER_LAYER: LAYER, DOCKER_LAYER_GZIP: LAYER_GZIP}


def compressed(store: ImageStore, reference: Reference, platform: Platform | None = None) -> Image:
    """Return the image with each plain layer gzipped, and tag that one; of an index the image for the platform.

    The image's ID stays the same, for the config has digests of uncompressed layers. A name that means an index keeps meaning
    it. Raises ImageNotFound, StoreDamaged.
    """
    with store.using():
        image = store.get(reference, platform)
        if not any(layer.media_type in (LAYER, DOCKER_LAYER) for layer in image.layers):
            return image
        layers = tuple(_gzipped(store, layer) for layer in image.layers)
        manifest = Manifest(_with_oci_name(image.config_descriptor), layers)
        descriptor = store.put_blob(manifest.to_bytes(), MANIFEST)
        if (str(reference), image.descriptor) in store.entries():
            return store.admit(reference, descriptor, instead=True)
        return store.read(descriptor).replace(name=image.name)


def _gzipped(store: ImageStore, layer: Descriptor) -> Descriptor:
    layer = _with_oci_name(layer)
    if layer.media_type != LAYER:
        return layer
    with store.blob_path(layer).open("rb") as file:
        kind = compression(file.read(LONGEST))
        if kind and kind in LAYER_TYPES:  # others may call plain what is not
            return layer.replace(media_type=LAYER_TYPES[kind])
        file.seek(0)
        plain = io.BufferedReader(decompressed(file, f"layer {layer.digest}")) if kind else file  # type: ignore[arg-type, type-var]
        return store.put_blob(gzipped(plain), LAYER_GZIP)


def gzipped(source: BinaryIO) -> Iterator[bytes]:
    """Yield a buffered file's content gzipped (RFC 1952): one member, without a time stamp, of independent blocks.

    They are compressed side by side, and since their size is fixed, the result is the same with any number of threads:
    reproducible on processors of one kind. Raises OSError.
    """
    from collections import deque
    from concurrent.futures import ThreadPoolExecutor  # only a push of a plain layer needs these

    from isal import isal_zlib

    checksum, size, at_once = 0, 0, os.cpu_count() or 1
    yield GZIP_HEADER
    with ThreadPoolExecutor(at_once) as pool:
        pending: deque[Future[bytes]] = deque()
        while block := source.read(BLOCK_SIZE):
            checksum, size = isal_zlib.crc32(block, checksum), size + len(block)
            pending.append(pool.submit(_deflated, block))
            if len(pending) > at_once:
                yield pending.popleft().result()
        for each in pending:
            yield each.result()
    yield LAST_BLOCK + struct.pack("<II", checksum, size & 0xFFFFFFFF)


def _deflated(block: bytes) -> bytes:
    """Return a piece of a deflate stream that ends at a whole byte, and that others may follow (RFC 1951)."""
    from isal import isal_zlib

    compress = isal_zlib.compressobj(level=LEVEL, wbits=-15)
    return compress.compress(block) + compress.flush(isal_zlib.Z_SYNC_FLUSH)


def _with_oci_name(descriptor: Descriptor) -> Descriptor:
    return descriptor.replace(media_type=OCI_NAMES.get(descriptor.media_type, descriptor.media_type))
