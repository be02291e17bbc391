"""From layers to an image with a name."""

import hashlib
from collections.abc import Sequence
from typing import Any

from labcore.images.builtin.layer import gzipped
from labcore.images.config import Config
from labcore.images.model import Image
from labcore.images.store import ImageStore
from labcore.spec import DEFAULT_PATH, Platform, Reference
from labcore.spec.media import LAYER_GZIP


def write_image(store: ImageStore, name: str, layers: Sequence[bytes], *, command: tuple[str, ...], **settings: Any) -> Image:
    """Store an image of uncompressed layers, the lowest first, for this machine's architecture.

    `settings` are further fields of its Config. The name is given last: whatever fails before, nothing is half made.
    """
    platform = Platform.here()
    config = Config(
        architecture=platform.architecture,
        variant=platform.variant,
        diff_ids=tuple("sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers),
        command=command,
        **{"environment": ("PATH=" + DEFAULT_PATH,)} | settings,
    )
    with store.using():
        descriptors = [store.put_blob(gzipped(layer), LAYER_GZIP) for layer in layers]
        return store.put_image(Reference.parse(name), descriptors, config)
