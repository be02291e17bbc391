"""prune: containers, volumes, and garbage collection of blobs and unpacked layers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from labcore.engine.container.lifecycle import status_of
from labcore.engine.engine import Engine
from labcore.engine.records.records import Container
from labcore.errors import InUse, NotFound, StoreDamaged, Unavailable
from labcore.images import Image
from labcore.images.gc import Collected, collect
from labcore.images.resolve import Entry, entries, images
from labcore.record import Record
from labcore.storage import gc
from labcore.storage.gc import Reclaimed
from labcore.storage.implied import fixup_id
from labcore.storage.layers import layer_id, unrepeated
from labcore.storage.whiteouts import visible


class Removed(Record):
    """Containers that were removed, and the bytes on disk that they took."""

    ids: tuple[str, ...] = ()
    size: int = 0


def prune_containers(engine: Engine, wanted: Callable[[Container], bool] = lambda _: True) -> Removed:
    """Remove the `wanted` containers that do not run. Raises StoreDamaged if the database of records cannot be read."""
    from labcore.engine.container.state import upper_of
    from labcore.engine.containers import every, remove

    ids, size = [], 0
    for each in every(engine):
        if isinstance(each, Container) and status_of(each) in ("created", "exited") and wanted(each):
            with suppress(NotFound, InUse):  # somebody has just started it, or removed it
                taken = engine.uppers.usage(upper_of(each)) if each.layers else 0
                remove(engine, each.id)
                ids.append(each.id)
                size += taken
    engine.log_event("container", "prune", "", {"reclaimed": str(size)})
    return Removed(tuple(ids), size)


def collected(engine: Engine) -> tuple[Collected, Reclaimed, tuple[str, ...]]:
    """Collect blobs and unpacked layers; return also why some of them stayed that perhaps nobody needs."""
    blobs, layers, kept = Collected(0, 0), Reclaimed(), []
    try:
        blobs = collect(engine.images, engine.build_cache.needed_blobs)
    except StoreDamaged as error:
        kept.append(f"blobs stay: {error}")
    try:
        layers = collect_layers(engine)
    except (StoreDamaged, Unavailable) as error:
        kept.append(f"unpacked layers stay: {error}")
    return blobs, layers, tuple(kept)


@contextmanager
def collected_on_failure(engine: Engine, failure: type[BaseException] = BaseException) -> Iterator[None]:
    """Collect what a block has put into the stores if it fails, for no image is to need that."""
    try:
        yield
    except failure:
        collected(engine)
        raise


def collect_layers(engine: Engine) -> Reclaimed:
    """Remove unpacked layers that no image, no container and no cached step needs. Raises Unavailable, StoreDamaged."""
    return gc.collect(engine.layers.directory, lambda: needed_layers(engine))


def needed_layers(engine: Engine) -> set[str]:
    """Return the unpacked layers that images, containers and the build cache need. Raises StoreDamaged."""
    of_images = {layer for entry in entries(engine.images) for layer in layers_of(engine, entry)}
    of_cache = engine.build_cache.needed_layers()
    return of_images | of_cache | {layer for container in engine.records.whole() for layer in container.layers}


def layers_of(engine: Engine, entry: Entry) -> set[str]:
    """Return the names that the layers of an image, or of the images of an index, have when they are unpacked."""
    return {layer for image in images(engine.images, entry.descriptor) for layer in settled(engine, stack_of(image))}


def stack_of(image: Image) -> list[str]:
    """Return the names that an image's layers have when they are unpacked, from the lowest up."""
    return unrepeated([layer_id(diff_id) for diff_id in image.config.diff_ids])


def settled(engine: Engine, stack: list[str]) -> list[str]:
    """Return a stack with its fixup layer, if it needs one: `labcore.storage.implied`."""
    return [*stack, fixup_id(visible(engine.layers.directory, stack))] if stack else stack


def is_mounted(engine: Engine, image: Image) -> bool:
    """Return whether the layers of an image are mounted for a container that has no record. Raises Unavailable.

    Those that have one are known with their image: they need the layers, and not other images of the same.
    """
    stack = visible(engine.layers.directory, stack_of(image))
    recorded = {frozenset(container.layers) for container in engine.records.readable()}
    return any(stack and set(stack) <= mounted for mounted in gc.stacks() if mounted not in recorded)
