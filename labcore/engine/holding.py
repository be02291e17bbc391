"""What a container that stays needs while it is being started: its spec, its layers and its volumes, held."""

from collections.abc import Iterator
from contextlib import contextmanager

from labcore.engine.containers import upper_of
from labcore.engine.engine import Engine
from labcore.engine.records import Container
from labcore.engine.volumes import attached
from labcore.record import Record
from labcore.spec import BindRoot, ContainerSpec, Root


class _On(Record):
    name: str
    root: Root
    config: str


@contextmanager
def held(engine: Engine, container: Container) -> Iterator[ContainerSpec]:
    """Yield the spec of a container that is started inside the block."""
    import json

    options = container.options
    on = None
    if options.image:
        on = _On(container.name, engine.uppers.root(upper_of(container)), json.dumps(container.config.to_json()))
    root = BindRoot(options.rootfs) if options.rootfs else on.root
    spec = engine.spec(
        None, options.command, rootfs=options.rootfs or None, hostname=options.hostname or container.id[:12],
        env=dict(options.environment), workdir=options.workdir or None,
        entrypoint=None if options.entrypoint is None else " ".join(options.entrypoint), user=options.user or None,
        privileged=options.privileged, init=options.init, remap=options.userns_remap, on=on,
    ).replace(terminal=options.tty)
    with engine.layers.using(), attached(engine.volumes, container.mounts, root, mapped=bool(spec.uid_map), devices=options.privileged) as mounts:
        yield spec.replace(mounts=(*spec.mounts, *mounts))
