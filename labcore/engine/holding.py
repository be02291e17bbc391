"""What a container that stays needs while it is being started: its spec, its layers and its volumes, held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from labcore.engine.container_state import get, upper_of
from labcore.engine.create import container_spec
from labcore.engine.engine import Engine
from labcore.engine.etc_files import etc_files, with_etc_files, write_etc_files
from labcore.engine.mounts import mounted
from labcore.engine.namespaces import PidOf
from labcore.engine.networks import Connected
from labcore.engine.records import Container
from labcore.errors import InvalidInput
from labcore.spec import ContainerSpec, Root


def root_of(engine: Engine, container: Container) -> Root:
    """Return the root file system of a container. Raises InvalidInput."""
    options = container.options
    return engine.root_and_config(options)[0] if options.rootfs else engine.uppers.root(upper_of(container))


def spec_of(engine: Engine, container: Container, root: Root, pid_of: PidOf | None = None) -> ContainerSpec:
    """Return the spec of a container on a root, without its mounts; `pid_of` returns the process of another that it joins."""
    return container_spec(
        container.options,
        root=root,
        config=container.config,
        hostname=container.id[:12],
        pid_of=pid_of or (lambda name: pid_of_running(engine, name)),
    )


def pid_of_running(engine: Engine, name: str) -> int:
    """Return the first process of a container that runs. Raises NotFound, InvalidInput."""
    other = get(engine, name)
    if other.state.status != "running":
        raise InvalidInput(f"container:{name}: it is not running: labcore start {name}")
    return other.state.pid


@contextmanager
def held(engine: Engine, container: Container, on_networks: Connected) -> Iterator[ContainerSpec]:
    """Yield the spec of a container that is started inside the block, with these networks."""
    options, root = container.options, root_of(engine, container)
    spec = spec_of(engine, container, root)
    with (
        engine.layers.using(),
        mounted(engine, options.replace(mounts=container.mounts), spec, container.config) as whole,
    ):
        files, directory = (
            etc_files(options, whole.hostname or container.id[:12], on_networks),
            str(engine.container_dirs.path(container.id)),
        )
        write_etc_files(directory, files, whole)
        yield with_etc_files(whole, directory, files)
