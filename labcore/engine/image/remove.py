"""rmi and prune of images: names, the image behind them, and its parents without names, by docker's rules of conflicts."""

from __future__ import annotations

from contextlib import suppress

from labcore.engine.container.state import current
from labcore.engine.image.events import log_image_event
from labcore.engine.image.list import created, has_labels
from labcore.engine.image.local_images import LocalImage, chain_ids, is_id, layer_sizes, local_image, local_images
from labcore.engine.prune import collected, is_mounted
from labcore.errors import ImageNotFound, InUse, InvalidInput
from labcore.images.gc import Collected
from labcore.images.resolve import Entry, entries, find, image_here
from labcore.record import Record
from labcore.spec import Reference
from labcore.storage.gc import Reclaimed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from labcore.engine.engine import Engine

RUNNING: Final = ("running", "paused", "restarting")


class Gone(Record):
    """One step of a removal: a name that was `untagged`, or an image or a layer (by its chain ID) that was deleted."""

    what: str
    untagged: bool = False


class Removal(Record):
    """What went, in that order. `kept` says why some of what it alone needed stayed, if it had to.

    `freed` are the bytes of its layers' files, as docker counts; `blobs` and `layers` what went from the disk.
    """

    gone: tuple[Gone, ...] = ()
    kept: tuple[str, ...] = ()
    freed: int = 0
    blobs: Collected = Collected(0, 0)
    layers: Reclaimed = Reclaimed()

    @property
    def untagged(self) -> tuple[str, ...]:
        """The names that went."""
        return tuple(each.what for each in self.gone if each.untagged)

    @property
    def deleted(self) -> tuple[str, ...]:
        """The IDs of images and layers that are no more."""
        return tuple(each.what for each in self.gone if not each.untagged)


class Conflict(InUse):
    """Why an image cannot be removed; if the reason is `hard`, force is no help."""

    def __init__(self, local: LocalImage, why: str, *, hard: bool = False) -> None:
        how = "cannot be forced" if hard else "must be forced"
        super().__init__(f"conflict: unable to delete {local.short_id} ({how}) - {why}")


def remove_image(engine: Engine, text: str, *, force: bool = False, prune: bool = True) -> Removal:
    """Take a name from an image, which goes with its last; or, by its ID, all names and the image.

    With `prune`, those images go too that it was made on, that have no name, and that nothing needs. An image of several names
    is removed by its ID only with `force`, and so is one that a container has which does not run. Raises ImageNotFound,
    InvalidInput, StoreDamaged; InUse in docker's words.
    """
    removing = _Removing(engine, prune=prune)
    removing.remove(text, force=force)
    return removing.finished()


def prune_images(
    engine: Engine,
    *,
    every: bool = False,
    until: float = float("inf"),
    labels: Sequence[str] = (),
    not_labels: Sequence[str] = (),
) -> Removal:
    """Remove the images without a tag that no container has, with `every` the tagged ones too; and what nothing needs.

    `until`: those only that were made before (ns since 1970); `labels`: that have them all, and not all of `not_labels`.
    """
    removing = _Removing(engine, prune=True)
    for local in local_images(engine.images).values():
        had = dict(local.image.config.labels)
        passes = has_labels(had, labels) and not (not_labels and has_labels(had, not_labels))
        if passes and created(local.image.config.created) <= until and (every or not local.tags):
            removing.prune(local)
    for entry in entries(engine.images):
        if (every or not entry.names) and image_here(engine.images, entry.descriptor) is None:
            removing.remove_damaged(entry)
    removal = removing.collected()
    engine.log_event("image", "prune", "", {"reclaimed": str(removal.freed)})
    return removal


class _Removing:
    """A removal under way. What images alone needed is collected once, in the end."""

    def __init__(self, engine: Engine, *, prune: bool) -> None:
        self._engine = engine
        self._store = engine.images
        self._prune = prune
        self._gone: list[Gone] = []
        self._sizes: dict[str, int] = {}

    def remove(self, text: str, *, force: bool = False) -> None:
        entry = find(self._store, text)
        if image_here(self._store, entry.descriptor) is None:
            self.remove_damaged(entry)
            return
        local = local_image(self._store, text)
        if not local.manifests:
            raise InvalidInput(f"{text} is one of the images for several machines that share a name: remove that name")
        if is_id(text, local.id):
            self._remove_by_id(local, force=force)
        else:
            self._remove_name(local, text, force=force)

    def prune(self, local: LocalImage) -> None:
        """Remove an image unless something needs it."""
        for text in local.references or (local.id,):
            with suppress(InUse, ImageNotFound):  # it stays, or another removal was faster
                self.remove(text)

    def remove_damaged(self, entry: Entry) -> None:
        """Remove what the index lists, and nobody can read, with all its names."""
        self._store.drop({entry.descriptor.digest})
        self._gone += [Gone(name, untagged=True) for name in (*entry.names, *entry.digests)]
        self._gone.append(Gone(entry.descriptor.digest))

    def finished(self) -> Removal:
        """Return what went, names only."""
        if all(each.untagged for each in self._gone):
            return Removal(tuple(self._gone))
        return self.collected()

    def collected(self) -> Removal:
        """Return what went, after blobs and layers that nothing needs."""
        blobs, layers, kept = collected(self._engine)
        freed = sum(self._sizes.get(each.what, 0) for each in self._gone)
        return Removal(tuple(self._gone), kept, freed, blobs, layers)

    def _remove_by_id(self, local: LocalImage, *, force: bool) -> None:
        if _is_single(local):
            self._check(local, force=force, referenced=False)
            self._untag(local, local.references)
            local = local.replace(tags=(), digests=())
        self._delete(local, force=force)

    def _remove_name(self, local: LocalImage, text: str, *, force: bool) -> None:
        reference = Reference.parse(text)
        named = str(reference.replace(tag=None) if reference.digest else reference)
        if named not in local.references:
            raise ImageNotFound(f"no image is called {named}", missing=named)
        user = _container_of(self._engine, local)
        if user and not force and _is_single(local):
            raise InUse(
                f'conflict: unable to remove repository reference "{text}" (must force) - '
                f"container {user} is using its referenced image {local.short_id}"
            )
        same = [name for name in local.references if _repository(name) == _repository(named) and name != named]
        digests = [] if "@" in named or any("@" not in name for name in same) else same
        self._untag(local, [named, *digests], events=1)
        left = [name for name in local.references if name not in (named, *digests)]
        if not left:
            with suppress(Conflict):  # it stays without a name
                self._delete(local.replace(tags=(), digests=()), force=force)

    def _untag(self, local: LocalImage, names: Sequence[str], *, events: int | None = None) -> None:
        self._store.untag_all(names)
        self._gone += [Gone(name, untagged=True) for name in names]
        for _ in names[:events]:
            log_image_event(self._engine, local.image, "untag")

    def _delete(self, local: LocalImage, *, force: bool) -> None:
        """Remove an image, whatever names it has with `force`, and its parents."""
        self._check(local, force=force)
        self._untag(local, local.references)
        others = {id: other for id, other in local_images(self._store).items() if id != local.id}
        configs = [other.image.config for other in others.values()]
        configs += [container.config for container in self._engine.records.readable()]
        needed = {chain_id for config in configs for chain_id in chain_ids(config)}
        sizes = dict(zip(chain_ids(local.image.config), layer_sizes(self._engine, local.image), strict=True))
        self._store.drop(local.manifests)
        log_image_event(self._engine, None, "delete", id=local.id)
        layers = [chain_id for chain_id in reversed(sizes) if chain_id not in needed]
        self._sizes |= {chain_id: sizes[chain_id] for chain_id in layers}
        self._gone += [Gone(local.id), *map(Gone, layers)]
        parent = others.get(local.parent)
        if self._prune and parent and not parent.references:
            with suppress(Conflict):
                self._delete(parent, force=False)

    def _check(self, local: LocalImage, *, force: bool, referenced: bool = True) -> None:
        """Raise Conflict if something needs an image; with `referenced` its names count, too."""
        if any(other.parent == local.id for other in local_images(self._store).values()):
            raise Conflict(local, "image has dependent child images", hard=True)
        if user := _container_of(self._engine, local, running=True):
            raise Conflict(local, f"image is being used by running container {user}", hard=True)
        if force:
            return
        if referenced and local.references:
            raise Conflict(local, "image is referenced in multiple repositories")
        if user := _container_of(self._engine, local, running=False):
            raise Conflict(local, f"image is being used by stopped container {user}")


def _is_single(local: LocalImage) -> bool:
    """Return whether an image has one tag at most, and all its digest references are of that repository."""
    digests = {_repository(name) for name in local.digests}
    if len(local.references) <= 1:
        return True
    if len(local.tags) > 1:
        return False
    return digests == {_repository((local.tags or local.digests)[0])}


def _repository(name: str) -> str:
    return str(Reference.parse(name).replace(tag=None, digest=None))


def _container_of(engine: Engine, local: LocalImage, *, running: bool | None = None) -> str:
    """Return the short ID of a container of an image, of one that runs or does not if that is said; empty if there is none.

    Layers that somebody has mounted may be those of another store's container, so that is no hard reason.
    """
    for container in engine.records.readable():
        if container.image_id == local.id:
            runs = current(engine, container).state.status in RUNNING
            if running in (None, runs):
                return container.id[:12]
    return "without a record" if not running and is_mounted(engine, local.image) else ""
