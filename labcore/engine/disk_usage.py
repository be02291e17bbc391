"""Disk usage: bytes of images, layers, containers and volumes, and how many of them could be freed (docker system df)."""

from collections.abc import Collection

from labcore.engine.container.state import upper_of
from labcore.engine.containers import every
from labcore.engine.engine import Engine
from labcore.engine.prune import needed_layers, users_of
from labcore.engine.records.records import Container
from labcore.errors import StoreDamaged, Unavailable
from labcore.images.gc import reachable_readable
from labcore.images.resolve import entries, images
from labcore.record import Record
from labcore.storage import gc
from labcore.storage.tree import size_of


class Item(Record):
    """One image or layer: what it is called, its bytes on disk, and whether something needs it."""

    name: str
    size: int
    used: bool


class Usage(Record):
    """All of one kind: `size` is what they take together, which is less than the sum where they share."""

    kind: str
    items: tuple[Item, ...]
    size: int
    reclaimable: int


def usage(engine: Engine) -> list[Usage]:
    """Look at everything below the state root."""
    return [_images(engine), _layers(engine), _containers(engine), _volumes(engine)]


def _images(engine: Engine) -> Usage:
    store = engine.images
    items: list[Item] = []
    kept: dict[str, int] = {}
    for entry in entries(store):
        paths = [(digest, store.blobs.place(digest)) for digest in reachable_readable(store, entry.descriptor)]
        found = {digest: path.stat().st_size for digest, path in paths if path.exists()}
        try:
            used = bool(users_of(engine, images(store, entry.descriptor)))
        except Unavailable:
            used = True
        kept |= found if used else {}
        items.append(Item(", ".join(entry.names) or entry.descriptor.digest, sum(found.values()), used))
    size = sum(path.stat().st_size for path in store.blobs.files())
    return Usage("images", tuple(items), size, size - sum(kept.values()))


def _layers(engine: Engine) -> Usage:
    try:
        needed = needed_layers(engine) | gc.mounted()
    except (StoreDamaged, Unavailable):
        needed = set(engine.layers.ids())
    directory = engine.layers.directory / "layers"
    items = [Item(name, size_of(directory / name), name in needed) for name in engine.layers.ids()]
    left = sum(size_of(path) for path in directory.glob(".*/")) if directory.is_dir() else 0
    size = sum(item.size for item in items) + left
    return Usage("layers, unpacked", tuple(items), size, size - sum(item.size for item in items if item.used))


def _containers(engine: Engine) -> Usage:
    """Return what containers have written. It goes with them: `labcore rm`, `labcore container prune`."""
    found = [each for each in every(engine) if isinstance(each, Container)]
    items = tuple(Item(each.name, _written(engine, each), each.state.status == "running") for each in found)
    return Usage("containers", items, sum(item.size for item in items), sum(item.size for item in items if not item.used))


def _written(engine: Engine, container: Container) -> int:
    return engine.uppers.usage(upper_of(container)) if container.layers else 0


def _volumes(engine: Engine) -> Usage:
    """Return what containers share. It goes when it is asked to: `labcore volume rm` and `prune`."""
    store = engine.volumes
    try:
        used: Collection[str] = engine.records.volume_users()
    except StoreDamaged:  # of a record: nobody knows which volumes it needs
        used = store.names()
    items = tuple(Item(name, store.usage(name), name in used or store.is_in_use(name)) for name in store.names())
    return Usage("volumes", items, sum(item.size for item in items), 0)
