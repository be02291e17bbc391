"""Networks as objects: made, removed and pruned, with the events that say so."""

from __future__ import annotations

from labcore.disk_space import room_for
from labcore.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from labcore.engine.engine import Engine
    from labcore.spec.network import Endpoint, Network, NetworkOptions


def create_network(engine: Engine, wanted: NetworkOptions) -> Network:
    """Make a network. Raises InvalidInput, Forbidden, InUse, Unavailable, StoreFull."""
    with room_for(f"network {wanted.name}", engine.root):
        network = engine.networks.create(wanted)
    log_network_event(engine, network, "create")
    return network


def remove_network(engine: Engine, name: str) -> None:
    """Remove a network that no container is on. Raises NotFound, Forbidden."""
    network = engine.networks.find(name)
    engine.networks.remove(network.id, lambda owner: owner_name(engine, owner))
    log_network_event(engine, network, "destroy")


def owner_name(engine: Engine, owner: str) -> str:
    """Return the name of the container that has an endpoint; of one that is no more, its short ID."""
    try:
        return engine.records.look_up(owner).name
    except NotFound:
        return owner[:12]


def prune_networks(engine: Engine, wanted: Callable[[Network], bool] = lambda _: True) -> list[Network]:
    """Remove the `wanted` networks that no container is on, or wants to be on when it is started; return them."""
    needed = {each.network for container in engine.records.readable() for each in container.options.networks}
    kept = {network.id for network in engine.networks.networks() if not wanted(network)}
    removed = engine.networks.prune(needed | kept)
    for network in removed:
        log_network_event(engine, network, "destroy")
    engine.log_event("network", "prune", "", {"reclaimed": "0"})
    return removed


def log_network_event(engine: Engine, network: Network, action: str, **attributes: str) -> None:
    """Publish what has happened to a network."""
    engine.log_event("network", action, network.id, attributes | {"name": network.wanted.name, "type": network.wanted.driver})


def log_endpoint_events(engine: Engine, endpoints: Iterable[Endpoint], action: str) -> None:
    """Publish that a container was connected or disconnected, if somebody may want to hear of it."""
    for each in endpoints if engine.events else ():
        log_network_event(engine, engine.networks.find(each.network_id), action, container=each.owner)


def release_endpoints(engine: Engine, owner: str) -> None:
    """Take a container that has ended from all networks."""
    endpoints = engine.networks.endpoints(owner=owner) if engine.events else ()
    log_endpoint_events(engine, endpoints, "disconnect")
    engine.networks.release(owner)
