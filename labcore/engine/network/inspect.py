"""Networks looked at: the endpoints of containers, their published ports, and docker's filters."""

from __future__ import annotations

from functools import cache, partial

from labcore.engine.filters import TRUTHS, has_label, is_like
from labcore.errors import InvalidInput, NotFound
from labcore.spec.network import PREDEFINED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Final

    from labcore.engine.engine import Engine
    from labcore.engine.records.records import Container
    from labcore.spec.network import Endpoint, Network, PortBinding

SCOPE: Final = "local"
FILTERS: Final = ("id", "name", "driver", "label", "scope", "type", "dangling")
EVERY: Final = ("label", "label!")  # filters of which all values have to hold
ANYWHERE: Final = ("0.0.0.0", "::")  # both, where no address is asked for


class NetworkView:
    """The networks and endpoints of an engine at one moment: for a list, each is looked up once."""

    def __init__(self, engine: Engine) -> None:
        self.network_id = cache(partial(network_id, engine))
        self._endpoints: dict[str, list[Endpoint]] = {}
        for each in engine.networks.endpoints():
            self._endpoints.setdefault(each.owner, []).append(each)

    def endpoints(self, container: Container) -> Sequence[Endpoint]:
        """Return the endpoints that a container has."""
        return self._endpoints.get(container.id, ())


def network_id(engine: Engine, network: str) -> str:
    """Return a network's ID; empty if it was removed, which takes nobody's container away."""
    try:
        return engine.networks.find(network).id
    except NotFound:
        return ""


def endpoints_of(engine: Engine, container: Container) -> Sequence[Endpoint]:
    """Return the endpoints that a container has at this moment."""
    return engine.networks.endpoints(owner=container.id) if container.options.networks else ()


def exposed_ports(container: Container) -> list[str]:
    """Return the ports that the image and the options say something listens at."""
    named = (f"{each.container_port}/{each.protocol}" for each in container.options.ports)
    return sorted({*container.config.exposed_ports, *container.options.exposed_ports, *named})


def has_gateway(endpoints: Iterable[Endpoint]) -> bool:
    """Return whether one of them is the way out of its container, and into it: that of an internal network is not."""
    return any(each.ipv4_gateway or each.ipv6_gateway for each in endpoints)


def bindings(endpoints: Iterable[Endpoint]) -> Iterator[tuple[str, PortBinding]]:
    """Yield each published port, `80/tcp`, with where it answers: one address and one port."""
    for endpoint in endpoints:
        for each in sorted(endpoint.ports, key=lambda each: (each.container_port, each.protocol, each.host_port)):
            for host_ip in [each.host_ip] if each.host_ip else ANYWHERE:
                yield f"{each.container_port}/{each.protocol}", each.replace(host_ip=host_ip)


def address_of(binding: PortBinding) -> str:
    """Return where a port answers: `0.0.0.0:8080`, `[::]:8080`."""
    host = f"[{binding.host_ip}]" if ":" in binding.host_ip else binding.host_ip
    return f"{host}:{binding.host_port}"


def check_filters(filters: Mapping[str, Sequence[str]]) -> None:
    """Raises InvalidInput for a value that a filter cannot have."""
    for value in filters.get("type", ()):
        if value not in ("custom", "builtin"):
            raise InvalidInput(f"invalid filter: 'type'='{value}': there are custom and builtin")
    for value in filters.get("dangling", ()):
        if value.lower() not in TRUTHS:
            raise InvalidInput('invalid value for filter \'dangling\', must be "true" (or "1"), or "false" (or "0")')


def matches(engine: Engine, network: Network, filters: Mapping[str, Sequence[str]]) -> bool:
    """Return whether a network passes all filters; of several values of one, any will do, but for labels."""
    wanted, labels = network.wanted, dict(network.wanted.labels)

    def is_dangling(value: str) -> bool:
        unused = wanted.name not in PREDEFINED and not engine.networks.endpoints(network=network.id)
        return unused == TRUTHS[value.lower()]

    tests = {
        "id": lambda value: is_like(network.id, value),
        "name": lambda value: is_like(wanted.name, value),
        "driver": lambda value: value == wanted.driver,
        "scope": lambda value: value == SCOPE,
        "type": lambda value: (value == "builtin") == (wanted.name in PREDEFINED),
        "dangling": is_dangling,
        "label": lambda value: has_label(labels, value),
        "label!": lambda value: not has_label(labels, value),
    }
    return all((all if name in EVERY else any)(map(tests[name], values)) for name, values in filters.items())
