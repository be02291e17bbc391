"""What there is to say about an image."""

from typing import Any

from labcore.images.config import History
from labcore.images.model import Descriptor, Image
from labcore.images.resolve import Entry, entries, find, images
from labcore.images.store import ImageStore
from labcore.record import Record


class Step(Record):
    """A step of an image's making: what its history says, and the layer that it made, if it made one."""

    history: History
    layer: Descriptor | None
    diff_id: str = ""


def steps(image: Image) -> list[Step]:
    """Return how an image was made, from its beginning. A layer that the history does not speak of is a step of its own."""
    made, layers = [], list(zip(image.layers, image.config.diff_ids, strict=True))
    for entry in image.config.history:
        layer, diff_id = (None, "") if entry.empty_layer or not layers else layers.pop(0)
        made.append(Step(entry, layer, diff_id))
    return made + [Step(History(), layer, diff_id) for layer, diff_id in layers]


def described(store: ImageStore, text: str) -> list[dict[str, Any]]:
    """Return what a name or an ID means, as JSON has it: one object for the image, or one for each of an index.

    `Id` is the digest of the config, `Digest` that of the manifest; `Names` are all that lead to it; `Size` is what the layers
    take as they are kept. `Config` is how the image wants to be run, with the names that docker gives its parts; `Layers` are
    from the lowest up. Raises ImageNotFound, InvalidInput, StoreDamaged.
    """
    entry = find(store, text)
    listed = list(images(store, entry.descriptor)) or [store.read(entry.descriptor)]
    return [_described(store, image, entry) for image in listed]


def _described(store: ImageStore, image: Image, entry: Entry) -> dict[str, Any]:
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
