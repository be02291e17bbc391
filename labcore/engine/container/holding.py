"""Spec, layers, volumes and files in /etc of a container that stays, held while it is being started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from labcore.engine.container.links import named_container
from labcore.engine.container.namespaces import CALLED, PidOf, is_shareable
from labcore.engine.container.state import upper_of
from labcore.engine.create import DEFAULT_USER, container_spec
from labcore.engine.engine import Engine
from labcore.engine.network.etc_files import etc_files, with_etc_files, write_etc_files
from labcore.engine.network.networks import Connected, with_variables
from labcore.engine.options.devices import are_listed
from labcore.engine.options.mounts import mounted
from labcore.engine.records.records import Container
from labcore.engine.spans import span
from labcore.errors import LabcoreError, NotRunning
from labcore.spec import ContainerSpec, CreateOptions, Root


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
        default_user=DEFAULT_USER,
        lists_devices=are_listed(),
        pid_of=pid_of or (lambda kind, name: pid_of_running(engine, kind, name)),
    )


def running(engine: Engine, kind: str, name: str) -> Container:
    """Return a container that runs, and whose namespace of a kind another is to join. Raises InvalidInput, LabcoreError."""
    other = named_container(engine, name, "joining network namespace of container: " if kind == "network" else "")
    status = other.state.status
    if status != "running" and kind == "network":
        state = f"container {other.name} is {status}"
        raise NotRunning(f"cannot join network namespace of a non running container: {state}: start it first")
    if status != "running":
        raise LabcoreError(f"failed to join {CALLED[kind]} namespace: container {other.id} is not running: start it first")
    if kind == "ipc" and not is_shareable(other.options):
        hint = "non-shareable IPC (hint: use IpcMode:shareable for the donor container)"
        raise LabcoreError(f"failed to join IPC namespace: container {other.id}: {hint}")
    return other


def pid_of_running(engine: Engine, kind: str, name: str) -> int:
    """Return the first process of such a container. Raises InvalidInput, LabcoreError."""
    return running(engine, kind, name).state.pid


def network_owner(engine: Engine, options: CreateOptions) -> Container | None:
    """Return whose network, and so whose names and files in /etc, a container has with `container:NAME`; None: its own.

    Raises InvalidInput, LabcoreError.
    """
    kind, colon, name = options.network_mode.partition(":")
    if kind != "container" or not colon:
        return None
    other = running(engine, "network", name)
    return network_owner(engine, other.options) or other


def named_as(owner: Container, options: CreateOptions) -> CreateOptions:
    """Return the options with the names of the host inside that the network's owner has."""
    return options.replace(hostname=owner.options.hostname or owner.id[:12], domainname=owner.options.domainname)


@contextmanager
def held(engine: Engine, container: Container, on_networks: Connected, *, etc: bool = True) -> Iterator[ContainerSpec]:
    """Yield the spec of a container that is started inside the block, with these networks.

    Without `etc` the files there are the root's own: a stage that takes the place of labcore's mounts cannot know of others.
    """
    options, root = container.options, root_of(engine, container)
    owner = network_owner(engine, options)
    if owner:
        container = container.replace(options=named_as(owner, options))
    spec = spec_of(engine, container, root)
    with (
        engine.layers.using(),
        mounted(engine, options.replace(mounts=container.mounts), spec, container.config) as whole,
    ):
        if not etc:
            yield with_variables(whole, on_networks.variables)
            return
        directory = str(engine.container_dirs.path((owner or container).id))
        if not owner:
            with span("files in /etc"):
                write_etc_files(directory, etc_files(options, whole.hostname or container.id[:12], on_networks), whole)
        yield with_variables(with_etc_files(whole, directory), on_networks.variables)
