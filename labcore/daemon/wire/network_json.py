"""Network and NetworkSettings: the API's JSON of networks, and of what containers have of them."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from labcore.engine.engine import Engine
from labcore.engine.network.inspect import SCOPE, bindings, exposed_ports, has_gateway
from labcore.engine.network.objects import owner_name
from labcore.engine.records.records import Container
from labcore.spec.network import AddressPool, Endpoint, EndpointOptions, Network

NAMELESS: Final = ("none", "host")


def network_json(engine: Engine, network: Network, *, members: bool = True) -> dict[str, Any]:
    """Return all about a network, with the containers that are on it, unless its `members` are not asked for."""
    wanted = network.wanted
    endpoints = engine.networks.endpoints(network=network.id) if members else ()
    ipam_options = None if wanted.ipam_options is None else dict(wanted.ipam_options)
    given = [pool for pool in wanted.pools if not pool.is_drawn]
    drawn = [pool for pool in wanted.pools if pool.is_drawn]
    pools = [_pool(pool) for pool in (*given, *network.unused_pools, *drawn)]
    return {
        "Name": wanted.name,
        "Id": network.id,
        "Created": network.created,
        "Scope": SCOPE,
        "Driver": wanted.driver,
        "EnableIPv4": wanted.ipv4,
        "EnableIPv6": wanted.ipv6,
        "IPAM": {"Driver": "default", "Options": ipam_options, "Config": pools or None},
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
    """Return a pool as it was given; of one that was drawn, also the gateway."""
    found = {
        "Subnet": pool.subnet,
        "IPRange": pool.ip_range,
        "Gateway": pool.gateway if pool.is_drawn or not pool.is_gateway_drawn else "",
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


def network_settings(
    container: Container, endpoints: Sequence[Endpoint], network_id: Callable[[str], str]
) -> dict[str, Any]:  # fmt: skip
    """Return what a container has of networks; of those that it wants, and has not as it does not run, their names."""
    own = {each.wanted.network: each for each in endpoints}
    wanted = container.options.networks or _alone(container)
    ports: dict[str, Any] = dict.fromkeys(exposed_ports(container)) if has_gateway(endpoints) else {}
    for port, binding in bindings(endpoints):
        ports[port] = [*(ports.get(port) or ()), {"HostIp": binding.host_ip, "HostPort": str(binding.host_port or "")}]
    return {"Ports": ports, "Networks": {each.network: _endpoint(each, own.get(each.network), network_id) for each in wanted}}


def _alone(container: Container) -> tuple[EndpointOptions, ...]:
    mode = container.options.network_mode or "none"
    return (EndpointOptions(mode),) if mode in NAMELESS else ()


def _endpoint(wanted: EndpointOptions, found: Endpoint | None, network_id: Callable[[str], str]) -> dict[str, Any]:
    ipv4, ipv4_length = _split(found.ipv4 if found else "")
    ipv6, ipv6_length = _split(found.ipv6 if found else "")
    asked = {"IPv4Address": wanted.ipv4, "IPv6Address": wanted.ipv6, "LinkLocalIPs": list(wanted.link_local)}
    return {
        "IPAMConfig": {name: value for name, value in asked.items() if value} or None,
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
