"""Small images made in a cell: a layer is a dictionary of files, an image is layers upon those of another."""

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from labcore.images import ImageStore
from labcore.images.builtin import LayerWriter
from labcore.spec import Reference
from labcore.spec.media import LAYER_GZIP

Files = Mapping[str, str | None]


def layer(files: Files) -> bytes:
    """Return a layer, a tar archive, with these files: a path and its text; None for a file that the layer takes away.

    A path that ends in `/` is a directory; with None, one that hides all that lower layers have in it.
    """
    writer = LayerWriter()
    made: set[str] = set()
    for path, text in files.items():
        name = path.rstrip("/")
        for parent in (*reversed(Path(name).parents), *([Path(name)] if path.endswith("/") else [])):
            if str(parent) not in made | {"."}:
                writer.directory(str(parent))
                made.add(str(parent))
        if path.endswith("/"):
            if text is None:
                writer.file(f"{name}/.wh..wh..opq", b"")
        elif text is None:
            writer.file(str(Path(name).with_name(f".wh.{Path(name).name}")), b"")
        else:
            writer.file(name, text.encode())
    return writer.finish()


def image(store: str, name: str, layers: Sequence[bytes], *, base: str = "busybox") -> str:
    """Make an image of these layers, the lowest first, upon those of `base`; return its digest.

    Raises ImageNotFound, StoreDamaged.
    """
    images = ImageStore(Path(store))
    below = images.get(Reference.parse(base))
    diff_ids = tuple(f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers)
    config = below.config.replace(diff_ids=below.config.diff_ids + diff_ids, history=())
    made = [images.put_blob(gzip.compress(each, mtime=0), LAYER_GZIP) for each in layers]
    return images.put_image(Reference.parse(name), [*below.layers, *made], config).descriptor.digest
