"""What a container that stays needs while it is being started: its spec, its layers and its volumes, held."""

from collections.abc import Iterator
from contextlib import contextmanager

from labcore.engine.container_state import get, upper_of
from labcore.engine.create import container_spec
from labcore.engine.engine import Engine
from labcore.engine.foreground import mounted
from labcore.engine.records import Container
from labcore.errors import InvalidInput
from labcore.spec import BindRoot, ContainerSpec, Root


def spec_of(engine: Engine, container: Container, root: Root) -> ContainerSpec:
    """Return the spec of a container on a root, without its mounts."""

    def pid_of(name: str) -> int:
        other = get(engine, name)
        if other.state.status != "running":
            raise InvalidInput(f"container:{name}: it is not running: labcore start {name}")
        return other.state.pid

    return container_spec(container.options, root=root, config=container.config, hostname=container.id[:12], pid_of=pid_of)


@contextmanager
def held(engine: Engine, container: Container) -> Iterator[ContainerSpec]:
    """Yield the spec of a container that is started inside the block."""
    options = container.options
    root = BindRoot(options.rootfs) if options.rootfs else engine.uppers.root(upper_of(container))
    spec = spec_of(engine, container, root)
    with (
        engine.layers.using(),
        mounted(engine, options.replace(mounts=container.mounts), spec, container.config) as whole,
    ):
        yield whole
