"""Inspection of images: `docker inspect` and `docker history`."""

from typing import Any

from labcore.images.config import History
from labcore.images.model import Descriptor, Image
from labcore.images.resolve import Entry, entries, find, images
from labcore.images.store import ImageStore
from labcore.record import Record


class HistoryStep(Record):
    """A step of an image's history, and the layer that it made, if it made one."""

    history: History
    layer: Descriptor | None
    diff_id: str = ""


def history(image: Image) -> list[HistoryStep]:
    """Return an image's history, the oldest step first. A layer without a history entry is a step of its own."""
    made, layers = [], list(zip(image.layers, image.config.diff_ids, strict=True))
    for entry in image.config.history:
        layer, diff_id = (None, "") if entry.empty_layer or not layers else layers.pop(0)
        made.append(HistoryStep(entry, layer, diff_id))
    return made + [HistoryStep(History(), layer, diff_id) for layer, diff_id in layers]


def inspect(store: ImageStore, text: str) -> list[dict[str, Any]]:
    """Return the image of a name or an ID as JSON objects: one, or one for each image of an index.

    `Id` is the digest of the config, `Digest` that of the manifest; `Names` are all its names; `Size` is that of the layers as
    stored. `Config` has docker's keys; `Layers` are from the lowest up. Raises ImageNotFound, InvalidInput, StoreDamaged.
    """
    entry = find(store, text)
    listed = list(images(store, entry.descriptor)) or [store.read(entry.descriptor)]
    return [_inspect_one(store, image, entry) for image in listed]


def _inspect_one(store: ImageStore, image: Image, entry: Entry) -> dict[str, Any]:
    digests = {image.descriptor.digest, entry.descriptor.digest}
    config = image.config
    return {
        "Id": image.id,
        "Digest": image.descriptor.digest,
        "Names": [name for known in entries(store) if known.descriptor.digest in digests for name in known.names],
        "Created": config.created,
        "Author": config.author,
        "Platform": str(config.platform),
        "Size": image.size,
        "Config": config.run_json(),
        "Layers": [
            {"DiffId": diff_id, "Digest": layer.digest, "MediaType": layer.media_type, "Size": layer.size}
            for layer, diff_id in zip(image.layers, config.diff_ids, strict=True)
        ],
        "History": [history.to_json() for history in config.history],
    }
