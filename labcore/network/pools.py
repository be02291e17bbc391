"""Address pools (IPAM): a subnet for each network, which nobody else has; an address for each endpoint, which no other has."""

from _socket import inet_pton
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from labcore.errors import InUse, InvalidInput, Unavailable
from labcore.network.links import Route
from labcore.spec.addresses import FAMILIES, Address, Prefix, parse_address, parse_prefix
from labcore.spec.network import AddressPool

DEFAULT_POOLS: Final = (
    *(f"172.{second}.0.0/16" for second in range(17, 32)),
    *(f"192.168.{third}.0/20" for third in range(0, 256, 16)),
)
WIDE: Final = 4  # a route for so few bits is a default route in two or more parts


class NoMoreSubnets(Unavailable):
    """All default pools are in use."""


def choose_subnet(version: int, network_id: str, networks: Iterable[Prefix], routes: Iterable[Route]) -> str:
    """Return a subnet that no network of ours has and no route of the host leads to. Raises NoMoreSubnets.

    For IPv6 it is a unique local one (RFC 4193), whose 40 random bits are those of the network's ID.
    """
    taken = [*networks, *(route.destination for route in routes if route.destination.length >= WIDE)]
    unique_local = f"fd{network_id[:2]}:{network_id[2:6]}:{network_id[6:10]}::/64"
    for text in DEFAULT_POOLS if version == 4 else (unique_local,):
        prefix = parse_prefix(text)
        if not any(prefix.overlaps(other) for other in taken):
            return str(prefix)
    raise NoMoreSubnets(
        "all predefined address pools have been fully subnetted: networks and routes of this host have all of IPv"
        f"{version}: name a subnet (--subnet), or remove networks (labcore network prune)"
    )


def check_subnet(subnet: str, routes: Iterable[Route], own: Collection[int] = ()) -> None:
    """Refuse a subnet, as somebody wants it, that a route of the host leads to already. Raises InUse.

    A default route may be, and one by a gateway that is wider than the subnet: ours is the narrower, and goes before it. Nor do
    routes by the links `own` (their indices) count.
    """
    prefix = parse_prefix(subnet)
    for route in routes:
        wider = route.is_default or (route.gateway and route.destination.length < prefix.length)
        if prefix.overlaps(route.destination) and not wider and route.link not in own:
            raise InUse(f"subnet {subnet}: this host has a route to {route.destination} already: choose another subnet")


def complete(pool: AddressPool) -> AddressPool:
    """Return a pool with its gateway: the subnet's first address if none is named. Raises InvalidInput for one too small."""
    prefix = parse_prefix(pool.subnet)
    if prefix.last - prefix.number < 3:
        raise InvalidInput(f"subnet {pool.subnet}: there is no room for a gateway and a container in it")
    gateway = parse_address(pool.gateway) if pool.gateway else Address(prefix.version, prefix.number + 1)
    if gateway.number == prefix.number or (gateway.version == 4 and gateway.number == prefix.last):
        raise InvalidInput(f"gateway {gateway}: it is the address of the subnet {pool.subnet} itself, or its broadcast address")
    return pool.replace(subnet=str(prefix), gateway=str(gateway), is_gateway_drawn=not pool.gateway)


def allocate(pool: AddressPool, taken: Collection[str], network: str) -> str:
    """Return the lowest address of a pool that is free. Raises InUse if there is none."""
    subnet = parse_prefix(pool.subnet)
    held = reserved(pool) | {int.from_bytes(inet_pton(FAMILIES[subnet.version], text), "big") for text in taken}
    among = parse_prefix(pool.ip_range) if pool.ip_range else subnet
    number = among.number
    while number in held:
        number += 1
    if number > among.last:
        raise InUse(f"network {network}: all addresses of {among} are in use: end a container, or make a larger network")
    return str(Address(subnet.version, number))


def check_given(pools: Sequence[AddressPool], text: str, network: str) -> None:
    """Refuse a fixed address in a subnet that was drawn, or in none: both in docker's words. Raises InvalidInput."""
    address = parse_address(text)
    given = [pool.subnet for pool in pools if not pool.is_drawn and parse_prefix(pool.subnet).version == address.version]
    if not given:
        raise InvalidInput(
            f"ip {text}: user specified IP address is supported only when connecting to networks with user configured subnets: "
            f"leave it out, or make network {network} with --subnet"
        )
    if not any(parse_prefix(subnet).has(address) for subnet in given):
        raise InvalidInput(
            f"no configured subnet or ip-range contain the IP address {text}: network {network} has {', '.join(given)}"
        )


def check_address(pool: AddressPool, text: str, taken: Collection[str], network: str) -> str:
    """Return a fixed address of the pool's subnet, as it is written here. Raises InvalidInput, InUse."""
    address = parse_address(text)
    if address.number in reserved(pool):
        raise InvalidInput(f"ip {text}: network {network} keeps it for its gateway, for another machine, or for itself")
    if str(address) in taken:
        raise InUse(f"ip {text}: another container on network {network} has it")
    return str(address)


def reserved(pool: AddressPool) -> set[int]:
    """Return the addresses that no endpoint gets: the subnet's own, the gateway's, auxiliary ones, the broadcast address."""
    subnet = parse_prefix(pool.subnet)
    named = (parse_address(text).number for text in (pool.gateway, *(text for _, text in pool.auxiliary)))
    return {subnet.number, *named} | ({subnet.last} if subnet.version == 4 else set())
