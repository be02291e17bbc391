"""Networks, and what containers have of them, in the Engine API's words: Network, NetworkSettings, PortMap; filters."""

from __future__ import annotations

import re
from functools import cache

from labcore.engine.network_objects import owner_name
from labcore.errors import InvalidInput
from labcore.spec.network import PREDEFINED, EndpointOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from labcore.engine.engine import Engine
    from labcore.engine.records import Container
    from labcore.spec.network import AddressPool, Endpoint, Network, PortBinding

SCOPE: Final = "local"
FILTERS: Final = ("id", "name", "driver", "label", "scope", "type", "dangling")
EVERY: Final = ("label", "label!")  # filters of which all values have to hold
ANYWHERE: Final = ("0.0.0.0", "::")  # both, where no address is asked for
NAMELESS: Final = ("none", "host")


def network_json(engine: Engine, network: Network, *, members: bool = True) -> dict[str, Any]:
    """Return all about a network, with the containers that are on it, unless its `members` are not asked for."""
    wanted = network.wanted
    endpoints = engine.networks.endpoints(network=network.id) if members else ()
    ipam_options = None if wanted.ipam_options is None else dict(wanted.ipam_options)
    return {
        "Name": wanted.name,
        "Id": network.id,
        "Created": network.created,
        "Scope": SCOPE,
        "Driver": wanted.driver,
        "EnableIPv4": wanted.ipv4,
        "EnableIPv6": wanted.ipv6,
        "IPAM": {"Driver": "default", "Options": ipam_options, "Config": [_pool(pool) for pool in wanted.pools] or None},
        "Internal": wanted.internal,
        "Attachable": wanted.attachable,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": {each.owner: _member(engine, each) for each in endpoints},
        "Options": _options(network),
        "Labels": dict(wanted.labels),
    }


def _pool(pool: AddressPool) -> dict[str, Any]:
    found = {
        "Subnet": pool.subnet,
        "IPRange": pool.ip_range,
        "Gateway": pool.gateway,
        "AuxiliaryAddresses": dict(pool.auxiliary),
    }
    return {name: value for name, value in found.items() if value}


def _options(network: Network) -> dict[str, str]:
    """Return a network's options; the default network's say what it is, for clients that look for it there."""
    if network.wanted.name != "bridge":
        return dict(network.wanted.options)
    prefix = "com.docker.network.bridge."
    return {
        f"{prefix}default_bridge": "true",
        f"{prefix}enable_icc": "true",
        f"{prefix}enable_ip_masquerade": "true",
        f"{prefix}host_binding_ipv4": "0.0.0.0",
        f"{prefix}name": network.bridge,
        "com.docker.network.driver.mtu": "1500",
    }


def _member(engine: Engine, endpoint: Endpoint) -> dict[str, str]:
    return {
        "Name": owner_name(engine, endpoint.owner),
        "EndpointID": endpoint.id,
        "MacAddress": endpoint.mac_address,
        "IPv4Address": endpoint.ipv4,
        "IPv6Address": endpoint.ipv6,
    }


class NetworkView:
    """The networks and endpoints of an engine at one moment: for a list, each is looked up once."""

    def __init__(self, engine: Engine) -> None:
        self.network_id = cache(lambda word: engine.networks.find(word).id)
        self._endpoints: dict[str, list[Endpoint]] = {}
        for each in engine.networks.endpoints():
            self._endpoints.setdefault(each.owner, []).append(each)

    def endpoints(self, container: Container) -> Sequence[Endpoint]:
        """Return the endpoints that a container has."""
        return self._endpoints.get(container.id, ())


def endpoints_of(engine: Engine, container: Container) -> Sequence[Endpoint]:
    """Return the endpoints that a container has at this moment."""
    return engine.networks.endpoints(owner=container.id) if container.options.networks else ()


def network_settings(
    container: Container, endpoints: Sequence[Endpoint], network_id: Callable[[str], str]
) -> dict[str, Any]:  # fmt: skip
    """Return what a container has of networks; of those that it wants, and has not as it does not run, their names."""
    own = {each.wanted.network: each for each in endpoints}
    wanted = container.options.networks or _alone(container)
    ports: dict[str, Any] = dict.fromkeys(exposed_ports(container)) if own else {}
    for port, binding in bindings(endpoints):
        ports[port] = [*(ports.get(port) or ()), {"HostIp": binding.host_ip, "HostPort": str(binding.host_port or "")}]
    return {"Ports": ports, "Networks": {each.network: _endpoint(each, own.get(each.network), network_id) for each in wanted}}


def _alone(container: Container) -> tuple[EndpointOptions, ...]:
    mode = container.options.network_mode or "none"
    return (EndpointOptions(mode),) if mode in NAMELESS else ()


def exposed_ports(container: Container) -> list[str]:
    """Return the ports that the image and the options say something listens at."""
    named = (f"{each.container_port}/{each.protocol}" for each in container.options.ports)
    return sorted({*container.config.exposed_ports, *container.options.exposed_ports, *named})


def _endpoint(wanted: EndpointOptions, found: Endpoint | None, network_id: Callable[[str], str]) -> dict[str, Any]:
    ipv4, ipv4_length = _split(found.ipv4 if found else "")
    ipv6, ipv6_length = _split(found.ipv6 if found else "")
    asked = {"IPv4Address": wanted.ipv4, "IPv6Address": wanted.ipv6} if wanted.ipv4 or wanted.ipv6 else None
    return {
        "IPAMConfig": {name: value for name, value in asked.items() if value} if asked else None,
        "Links": [f"{container}:{alias}" for container, alias in wanted.links] or None,
        "Aliases": list(wanted.aliases) or None,
        "MacAddress": found.mac_address if found else wanted.mac_address,
        "DriverOpts": dict(wanted.driver_options) or None,
        "GwPriority": wanted.priority,
        "NetworkID": found.network_id if found else network_id(wanted.network),
        "EndpointID": found.id if found else "",
        "Gateway": found.ipv4_gateway if found else "",
        "IPAddress": ipv4,
        "IPPrefixLen": ipv4_length,
        "IPv6Gateway": found.ipv6_gateway if found else "",
        "GlobalIPv6Address": ipv6,
        "GlobalIPv6PrefixLen": ipv6_length,
        "DNSNames": list(found.names) or None if found else None,
    }


def _split(address: str) -> tuple[str, int]:
    plain, _, length = address.partition("/")
    return plain, int(length or 0)


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


def ports_line(engine: Engine, container: Container) -> str:
    """Return the ports as `ps` has them: `0.0.0.0:8080->80/tcp, 53/udp`."""
    published = list(bindings(endpoints_of(engine, container))) if container.state.status == "running" else []
    shown = [f"{address_of(binding)}->{port}" for port, binding in published]
    if container.state.status == "running" and container.options.networks:
        shown += [port for port in exposed_ports(container) if port not in {port for port, _ in published}]
    return ", ".join(shown)


def parse_filters(texts: Iterable[str]) -> dict[str, list[str]]:
    """Read `NAME=VALUE` filters. Raises InvalidInput for one that there is not."""
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in FILTERS:
            raise InvalidInput(f"filter {text!r}: there are {', '.join(f'{each}=…' for each in FILTERS)}")
        found.setdefault(name, []).append(value)
    check_filters(found)
    return found


def check_filters(filters: Mapping[str, Sequence[str]]) -> None:
    """Raises InvalidInput for a value that a filter cannot have."""
    for value in filters.get("type", ()):
        if value not in ("custom", "builtin"):
            raise InvalidInput(f"invalid filter: 'type'='{value}': there are custom and builtin")
    for value in filters.get("dangling", ()):
        if value.lower() not in ("true", "1", "false", "0"):
            raise InvalidInput('invalid value for filter \'dangling\', must be "true" (or "1"), or "false" (or "0")')


def is_like(text: str, value: str) -> bool:
    """Return whether a text has a part that a value says, as a regular expression where it is one, as docker reads it."""
    try:
        return value in text or re.search(value, text) is not None
    except re.error:
        return False


def matches(engine: Engine, network: Network, filters: Mapping[str, Sequence[str]]) -> bool:
    """Return whether a network passes all filters; of several values of one, any will do, but for labels."""
    wanted, labels = network.wanted, dict(network.wanted.labels)

    def has_label(text: str) -> bool:
        name, equals, value = text.partition("=")
        return name in labels and (not equals or labels[name] == value)

    def is_dangling(value: str) -> bool:
        unused = wanted.name not in PREDEFINED and not engine.networks.endpoints(network=network.id)
        return unused == (value.lower() in ("true", "1"))

    tests = {
        "id": lambda value: is_like(network.id, value),
        "name": lambda value: is_like(wanted.name, value),
        "driver": lambda value: value == wanted.driver,
        "scope": lambda value: value == SCOPE,
        "type": lambda value: (value == "builtin") == (wanted.name in PREDEFINED),
        "dangling": is_dangling,
        "label": has_label,
        "label!": lambda value: not has_label(value),
    }
    return all((all if name in EVERY else any)(map(tests[name], values)) for name, values in filters.items())
