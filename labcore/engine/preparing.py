"""A container that is to be started, with all that has to be there for it, and what is held as long as it runs."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from labcore.engine.engine import Engine
from labcore.errors import InvalidInput, NotFound
from labcore.native import Process
from labcore.record import Record
from labcore.runtime.probe import confined
from labcore.spec import ContainerSpec, IdRange
from labcore.storage.driver import driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.spec import Mount
    from labcore.storage.locks import Use
    from labcore.storage.snapshots import Snapshot


class Prepared(Record):
    """A container's spec, and the snapshot that it writes to, if what it writes stays somewhere."""

    spec: ContainerSpec
    starting: ExitStack
    use: "Use | None" = None

    def runs(self, process: Process) -> None:
        """Say that it has been started: its files are reached through this process from now on.

        Until then its layers are kept from going; now its mounts do that.
        """
        self.starting.close()
        if self.use:
            self.use.runs(process)


@contextmanager
def prepared(
    engine: Engine,
    image: str | None,
    argv: Sequence[str] = (),
    *,
    snapshot: str | None = None,
    volumes: Sequence["Mount | str"] = (),
    **options: Any,
) -> Iterator[Prepared]:
    """Yield a container to be started and ended inside the block: `Engine.spec`, and what takes more than a spec.

    What it writes is kept in the `snapshot` of that name, which is made of the image if it is not there; then the image may be
    left out. `volumes` are what is mounted in it besides: docker's `-v`, or Attachments.
    Raises InvalidInput, ImageNotFound, StoreDamaged, NotFound, InUse.
    """
    with ExitStack() as undo:
        starting = undo.enter_context(ExitStack())
        if not options.get("rootfs"):
            starting.enter_context(engine.layers.using())
        use = None
        if snapshot is not None:
            if options.get("rootfs"):
                raise InvalidInput("a rootfs is used as it is, and has no snapshot: leave out one of them")
            found = snapshot_for(engine, snapshot, image, remap=options.get("remap"))
            use = undo.enter_context(engine.snapshots.use(found.name))
        elif not options.get("rootfs") and image is not None and driver(engine.layers.prepared()) == "copy":
            engine.snapshots.remove_abandoned()
            name = f"run-{os.getpid()}-{os.urandom(6).hex()}"
            found = _made(engine, name, image, options.get("remap"), throw_away=True)
            undo.callback(engine.snapshots.remove, found.name)
            use = undo.enter_context(engine.snapshots.use(found.name))
        spec = engine.spec(None if use else image, argv, on=use, **options)
        wanted = () if options.get("rootfs") else engine.config_of(image, use).volumes
        if volumes or wanted:
            devices = bool(options.get("privileged"))
            spec = undo.enter_context(_with_volumes(engine, spec, volumes, wanted, devices))
        yield Prepared(spec, starting, use)


@contextmanager
def _with_volumes(
    engine: Engine, spec: ContainerSpec, volumes: Sequence["Mount | str"], wanted: Sequence[str], devices: bool
) -> Iterator[ContainerSpec]:
    from labcore.engine.mount_options import from_short
    from labcore.engine.volumes import attached, completed

    given = [from_short(each) if isinstance(each, str) else each for each in volumes]
    attachments = completed(given, wanted)
    with attached(engine.volumes, attachments, spec.root, mapped=bool(spec.uid_map), devices=devices) as mounts:
        yield spec.replace(mounts=(*spec.mounts, *mounts))


def snapshot_for(engine: Engine, name: str, image: str | None, *, remap: IdRange | None = None) -> "Snapshot":
    """Return the snapshot of that name; if there is none, make it of the image. Raises InvalidInput if they do not fit."""
    try:
        there = engine.snapshots.get(name)
    except NotFound:
        if image is None:
            raise
        try:
            return _made(engine, name, image, remap)
        except InvalidInput:
            if name not in engine.snapshots.names():
                raise
            return engine.snapshots.get(name)  # somebody else was faster
    if image is not None and engine.layers_of(engine.images.find(image)) != list(there.layers):
        raise InvalidInput(f"snapshot {name} was made of {there.image}, and {image} is another image now: leave it out")
    return there


def _made(engine: Engine, name: str, image: str, remap: IdRange | None, *, throw_away: bool = False) -> "Snapshot":
    from labcore.storage.snapshots import Snapshot

    found = engine.images.find(image)
    copied = driver(engine.layers.prepared()) == "copy"
    if copied and remap:
        raise InvalidInput("--userns-remap needs overlayfs, which this machine does not have, or LABCORE_STORAGE turns off")
    snapshot = Snapshot(
        name=name,
        layers=tuple(engine.layers_of(found)),
        image=found.name,
        config=json.dumps(found.config.to_json()),
        user_attributes=bool(remap) or confined(),
        copied=copied,
        throw_away=throw_away,
    )
    return engine.snapshots.create(snapshot)
