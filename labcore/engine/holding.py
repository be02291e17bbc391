"""What a container that stays needs while it is being started: its spec, its layers and its volumes, held."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from labcore.engine.container_state import upper_of
from labcore.engine.engine import Engine
from labcore.engine.records import Container
from labcore.engine.volumes import attached
from labcore.record import Record
from labcore.spec import BindRoot, ContainerSpec, Root


class _On(Record):
    name: str
    root: Root
    config: str


def spec_of(engine: Engine, container: Container, root: Root) -> ContainerSpec:
    """Return the spec of a container on a root, without its mounts."""
    options = container.options
    on = _On(container.name, root, json.dumps(container.config.replace(architecture="x").to_json()))
    return engine.spec(
        None,
        options.command,
        hostname=options.hostname or container.id[:12],
        env=dict(options.environment),
        workdir=options.workdir or None,
        entrypoint=None if options.entrypoint is None else " ".join(options.entrypoint),
        user=options.user or None,
        privileged=options.privileged,
        init=options.init,
        remap=options.userns_remap,
        on=on,  # type: ignore[arg-type]
    ).replace(terminal=options.tty, resources=options.resources)


@contextmanager
def held(engine: Engine, container: Container) -> Iterator[ContainerSpec]:
    """Yield the spec of a container that is started inside the block."""
    options = container.options
    root = BindRoot(options.rootfs) if options.rootfs else engine.uppers.root(upper_of(container))
    spec = spec_of(engine, container, root)
    with (
        engine.layers.using(),
        attached(engine.volumes, container.mounts, root, mapped=bool(spec.uid_map), devices=options.privileged) as mounts,
    ):
        yield spec.replace(mounts=(*spec.mounts, *mounts))
