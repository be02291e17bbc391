"""Networks of containers that are there: connect, disconnect. The records say what is wanted next time."""

from collections.abc import Iterable
from contextlib import suppress

from labcore.disk_space import room_for
from labcore.engine.container.state import settled
from labcore.engine.engine import Engine
from labcore.engine.network.etc_files import etc_files, update_etc_files
from labcore.engine.network.inspect import network_id
from labcore.engine.network.networks import Connected, connected_now, names_on, published, serve_names
from labcore.engine.network.objects import log_network_event
from labcore.engine.records.records import Container
from labcore.errors import Forbidden, InvalidInput, LabcoreError, NotFound
from labcore.network import namespace_of
from labcore.spec.network import EndpointOptions, Network


def connect(engine: Engine, wanted: EndpointOptions, text: str) -> None:
    """Connect a container to a further network: now if it runs, and whenever it is started.

    Raises NotFound, Forbidden, InvalidInput, Unavailable, StoreFull.
    """
    network = engine.networks.find(wanted.network)
    wanted = wanted.replace(network=network.wanted.name)
    engine.networks.check(wanted)
    if network.wanted.driver == "host":
        raise InvalidInput("cannot connect container to host network - container must be created in host network mode")
    found = engine.records.find(text)
    with (
        room_for(f"{found} on network {wanted.network}", engine.root),
        engine.container_dirs.locked(found.id, found.name),
    ):
        container = settled(engine, found.id)
        is_none = network.wanted.driver == "null"
        _check_mode(container, is_none=is_none)
        if is_none:
            engine.records.set_options(container, container.options.replace(network_mode="none"))
            return
        others = tuple(each for each in container.options.networks if each.network != wanted.network)
        networks = (*others, wanted)
        if container.state.status != "running":
            engine.records.set_networks(container, networks)
            return
        if others != container.options.networks:
            raise Forbidden(f"endpoint with name {container.name} already exists in network {wanted.network}")
        settle_networks(engine, container)
        _connect_running(engine, container, wanted, networks)
        log_network_event(engine, network, "connect", container=container.id)


def disconnect(engine: Engine, network: str, text: str, *, force: bool = False) -> None:
    """Disconnect a container from a network. With `force` a container that is no more is disconnected too.

    Raises NotFound, InvalidInput.
    """
    there = engine.networks.find(network)
    name = there.wanted.name
    try:
        found = engine.records.find(text)
    except NotFound:
        if not force:
            raise
        return engine.networks.disconnect(text, name)
    with engine.container_dirs.locked(found.id, found.name):
        container = settled(engine, found.id)
        if container.state.status == "running":
            settle_networks(engine, container)
        if _leaves_none(engine, container, there):
            return None
        left = tuple(each for each in container.options.networks if each.network != name)
        if len(left) == len(container.options.networks):
            which = f"network {name}" if container.state.status == "running" else f"the network {name}"
            raise NotFound(f"container {container.id} is not connected to {which}")
        changed = engine.records.set_networks(container, left)  # first: whoever comes after a crash does the rest
        if container.state.status == "running":
            try:
                _disconnect_running(engine, changed, {there.id})
            except BaseException:
                engine.records.set_networks(changed, container.options.networks)
                raise
            _move_ports(engine, changed)
            log_network_event(engine, there, "disconnect", container=container.id)
    return None


def settle_networks(engine: Engine, container: Container) -> None:
    """Take a container that runs, and that the caller has locked, from networks that its record does not name.

    Whoever connected it to them, or disconnected it, was killed meanwhile.
    """
    wanted = {network_id(engine, each.network) for each in container.options.networks}
    there = {each.network_id for each in engine.networks.endpoints(owner=container.id)}
    if there - wanted:
        _disconnect_running(engine, container, there - wanted)


def _disconnect_running(engine: Engine, container: Container, networks: Iterable[str]) -> None:
    before = connected_now(engine, container)
    with namespace_of(container.state.pid) as namespace:
        for network in networks:
            with suppress(NotFound):  # somebody was killed who had come this far
                engine.networks.disconnect(container.id, network, namespace)
    _tell(engine, container, before)


def _connect_running(
    engine: Engine, container: Container, wanted: EndpointOptions, networks: tuple[EndpointOptions, ...]
) -> None:
    before = connected_now(engine, container)
    names = names_on(wanted, container.id, container.name, container.options.hostname)
    endpoint = engine.networks.reserve(wanted, container.id, names=names)
    try:
        with namespace_of(container.state.pid) as namespace:
            engine.networks.attach([endpoint], namespace)
        _move_ports(engine, container)
        _tell(engine, container, before)
        engine.records.set_networks(container, networks)
    except BaseException:
        engine.networks.disconnect(container.id, wanted.network)
        with suppress(LabcoreError):
            _move_ports(engine, container)
        raise


def _move_ports(engine: Engine, container: Container) -> None:
    if ports := published(container.options, container.config):
        engine.networks.move_ports(container.id, ports)


def _tell(engine: Engine, container: Container, before: Connected) -> None:
    """Have the container's files in /etc, and the embedded server, know of its networks as they are now."""
    after = connected_now(engine, container)
    directory, hostname = engine.container_dirs.path(container.id), container.options.hostname or container.id[:12]
    texts = (etc_files(container.options, hostname, each) for each in (before, after))
    update_etc_files(str(directory), *texts)
    if after.is_embedded:
        serve_names(engine, after, container.state.pid)


def _leaves_none(engine: Engine, container: Container, network: Network) -> bool:
    """Take a container that does not run from the network `none`: then it can be connected to others. Raises InvalidInput."""
    mode = container.options.network_mode
    if network.wanted.driver == "host" and mode == "host":
        raise InvalidInput("cannot disconnect container from host network - container was created in host network mode")
    if network.wanted.driver != "null" or mode != "none" or container.state.status == "running":
        return False
    engine.records.set_options(container, container.options.replace(network_mode="bridge"))
    return True


def _check_mode(container: Container, *, is_none: bool) -> None:
    """Refuse a container on a network that it cannot have beside its own; `is_none`: it is the network of that name."""
    mode = container.options.network_mode
    if container.options.networks if is_none else mode == "none":
        raise InvalidInput(
            f"container cannot be connected to multiple networks with one of the networks in private (none) mode: {container}"
        )
    if mode == "host" or mode.startswith("container:"):
        raise InvalidInput(
            "container sharing network namespace with another container or host cannot be connected to any other network: "
            f"{container} was created with network {mode}"
        )
