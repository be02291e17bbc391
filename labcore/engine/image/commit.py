"""commit: an image of what a container has changed, on top of its own (docker commit)."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress

from labcore.engine.container.events import log_container_event
from labcore.engine.container.files import check_has_layers
from labcore.engine.container.pause import pause as pause_container
from labcore.engine.container.pause import unpause
from labcore.engine.container.state import get, upper_of
from labcore.engine.engine import Engine
from labcore.engine.image.events import log_image_event
from labcore.engine.prune import collected_on_failure
from labcore.engine.records.records import Container, run_config
from labcore.errors import ImageNotFound, LabcoreError
from labcore.images import Config, Image
from labcore.images.config import History
from labcore.images.resolve import entries, images
from labcore.spec import Reference
from labcore.spec.media import LAYER
from labcore.timestamps import now


def commit(
    engine: Engine,
    text: str,
    reference: Reference | None,
    *,
    settings: Callable[[Config], Config] = lambda config: config,
    message: str = "",
    author: str = "",
    command: Sequence[str] = (),
    pause: bool = False,
) -> Image:
    """Make an image of a container's image and one layer more, what was changed, and name it if there is a name.

    The image is run as the container was, but for what `settings` makes of that.
    `command` is what made the layer, for its history, by default the container's. If no file was changed there is no further
    layer. The container may run meanwhile; what it writes then may be in the image or not, unless it is to `pause`.
    Raises NotFound; ImageNotFound if the layers below are here no more, InvalidInput.
    """
    container = get(engine, text)
    check_has_layers(container)
    upper = upper_of(container)
    config = settings(run_config(container))
    made_by = json.dumps(list(command)) if command else " ".join(run_config(container).command)
    with (
        collected_on_failure(engine),
        engine.images.using(),
        _paused(engine, container) if pause else nullcontext(),
    ):
        empty = not (engine.uppers.changes(upper) or engine.uppers.has_new_top(upper))
        entry = History(now(), made_by, author, message, empty_layer=empty)
        history = (*config.whole_history(), entry)
        below = _image_below(engine, container)
        layers = list(below.layers)
        if not empty:
            layers.append(engine.images.put_blob(engine.uppers.layer(upper), LAYER))
            config = config.replace(diff_ids=(*config.diff_ids, layers[-1].digest))
        config = config.replace(created=entry.created, author=author or config.author, history=history)
        image = engine.images.put_image(reference, layers, config, parent=below.id, at=entry.created)
        _log(engine, container, image, str(reference or ""), message)
    return image


@contextmanager
def _paused(engine: Engine, container: Container) -> Iterator[None]:
    """Have a container that runs stand still meanwhile; one that ends, or that somebody else pauses, need not be held."""
    with ExitStack() as undo:
        if container.state.status == "running" and not container.state.paused:
            with suppress(LabcoreError):  # docker does not mind either
                pause_container(engine, container.id)
                undo.callback(_unpaused, engine, container.id)
        yield


def _unpaused(engine: Engine, id: str) -> None:
    with suppress(LabcoreError):  # it has ended meanwhile
        unpause(engine, id)


def _log(engine: Engine, container: Container, image: Image, name: str, comment: str) -> None:
    log_image_event(engine, image, "create")
    if name:
        log_image_event(engine, image, "tag", name=name)
    log_container_event(engine, container, "commit", comment=comment, imageID=image.id, imageRef=name)


def _image_below(engine: Engine, container: Container) -> Image:
    """Find the image that the container was made of, whatever its name means now, or another one of the same layers."""
    found = [image for entry in entries(engine.images) for image in images(engine.images, entry.descriptor)]
    alike = [image for image in found if image.config.diff_ids == container.config.diff_ids]
    for image in sorted(alike, key=lambda image: image.id != container.image_id):
        return image
    raise ImageNotFound(f"{container.image}, which {container} was made of, is here no more: pull or make it anew, as it was")
