"""An image of an image and what a container has changed: docker commit."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from labcore.engine.engine import Engine
from labcore.errors import ImageNotFound, StoreDamaged
from labcore.images import Config, Descriptor, Image
from labcore.images.changes import changed
from labcore.images.config import History
from labcore.spec import Reference
from labcore.spec.media import LAYER


def commit(
    engine: Engine,
    snapshot: str,
    reference: Reference,
    *,
    changes: Sequence[str] = (),
    message: str = "",
    author: str = "",
    command: Sequence[str] = (),
) -> Image:
    """Make an image of a snapshot's image and one layer more, what was changed, and name it.

    `changes` are instructions as a Dockerfile has them (`CMD ["sh"]`, `ENV A=b`) for how it wants to be run; `command` is what
    made the layer, for its history. If no file was changed there is no further layer. The container may run meanwhile; what it
    writes then may be in the image or not.
    Raises NotFound, ImageNotFound if the layers below are here no more, InvalidInput.
    """
    found = engine.snapshots.get(snapshot)
    config = Config.parse(found.config.encode(), f"snapshot {snapshot}")
    for change in changes:
        config = changed(config, change)
    empty = not (engine.snapshots.changes(found) or engine.snapshots.has_new_top(found))
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    entry = History(now, json.dumps(list(command)) if command else "", author, message, empty_layer=empty)
    history = (*_whole(config.history, len(config.diff_ids)), entry)
    with engine.images.using():
        layers = list(_layers_below(engine, found.image, config))
        if not empty:
            layers.append(engine.images.put_blob(engine.snapshots.layer(found), LAYER))
            config = config.replace(diff_ids=(*config.diff_ids, layers[-1].digest))
        config = config.replace(created=now, author=author or config.author, history=history)
        return engine.images.put_image(reference, layers, config)


def _layers_below(engine: Engine, name: str, config: Config) -> Sequence[Descriptor]:
    """Find the layers of the image that the snapshot was made of, whatever its name means now."""
    for each in dict.fromkeys([name, *engine.images.names()]):
        try:
            image = engine.images.get(Reference.parse(each))
        except (ImageNotFound, StoreDamaged):
            continue
        if image.config.diff_ids == config.diff_ids:
            return image.layers
    raise ImageNotFound(f"{name}, which the snapshot was made of, is here no more: pull or make it anew, as it was")


def _whole(history: tuple[History, ...], layers: int) -> tuple[History, ...]:
    """Return a history that has an entry for each layer, as readers expect if there is one at all."""
    told = sum(not entry.empty_layer for entry in history)
    return (*history, *(History(comment="of the image below") for _ in range(layers - told)))
