"""From what is wanted of a network to a network: its ID, its bridge's name, its subnets and gateways; conflicts are errors."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from labcore.errors import Forbidden, InUse, InvalidInput, NotFound, Unavailable
from labcore.network.bridges import subnets
from labcore.network.links import Route, find_link, list_routes
from labcore.network.namespaces import has_ipv6
from labcore.network.netlink import Netlink
from labcore.network.networks import ID_SHORT, checked_name
from labcore.network.options import bridge_options
from labcore.network.pools import check_subnet, choose_subnet, complete
from labcore.spec.addresses import Prefix, parse_address, parse_prefix
from labcore.spec.network import PREDEFINED, AddressPool, Network, NetworkOptions

DEFAULT_BRIDGE: Final = "labcore0"
DEFAULT_ROOT: Final = "/var/lib/labcore"
REFUSED: Final = {
    "macvlan": "its containers are on the host's own wire, where nothing here gives out addresses or keeps them apart",
    "ipvlan": "its containers are on the host's own wire, where nothing here gives out addresses or keeps them apart",
    "overlay": "it connects the machines of a swarm, and labcore is for one machine",
}


def new_network(
    wanted: NetworkOptions, networks: Sequence[Network], netlink: Netlink, other_routes: Sequence[Route] = ()
) -> Network:  # fmt: skip
    """Return a network as it is to be kept, and made; its subnets hide no route. Raises InvalidInput, InUse, Unavailable."""
    wanted, unused = _without_unused_pools(wanted)
    _check(wanted, networks)
    bridge = bridge_options(wanted).name
    if other := next((each for each in networks if bridge and each.bridge == bridge), None):
        raise InUse(f"bridge {bridge}: it is network {other.wanted.name}'s: give it another name")
    return _completed(wanted, networks, netlink, bridge, other_routes).replace(unused_pools=unused)


def _without_unused_pools(wanted: NetworkOptions) -> tuple[NetworkOptions, tuple[AddressPool, ...]]:
    """Return the options without the pools of an IP version that they do not ask for, and these, which docker keeps unused."""
    asked = {4: wanted.ipv4, 6: wanted.ipv6}
    used = tuple(pool for pool in wanted.pools if asked[parse_prefix(pool.subnet).version])
    return wanted.replace(pools=used), tuple(pool for pool in wanted.pools if pool not in used)


def predefined_network(
    name: str, networks: Sequence[Network], netlink: Netlink, root: str, other_routes: Sequence[Route] = ()
) -> Network:  # fmt: skip
    """Return one of the networks that are always there. Raises Unavailable."""
    wanted = NetworkOptions(name=name, driver=PREDEFINED[name])
    if name != "bridge":
        return Network(_new_id(), _now(), "", wanted)
    is_default = root == DEFAULT_ROOT and find_link(netlink, DEFAULT_BRIDGE) is None
    network = _completed(wanted, networks, netlink, "", other_routes)
    return network.replace(bridge=DEFAULT_BRIDGE) if is_default else network


def _completed(
    wanted: NetworkOptions, networks: Sequence[Network], netlink: Netlink, bridge: str, other_routes: Sequence[Route]
) -> Network:  # fmt: skip
    network_id = _new_id()
    routes = [*list_routes(netlink), *other_routes]
    for pool in wanted.pools:
        _check_overlap(pool, networks)
        check_subnet(pool.subnet, routes, own=[link.index for link in [find_link(netlink, bridge)] if link])
    taken = [prefix for prefix, _ in subnets(networks)] + _nameservers()
    named = {parse_prefix(pool.subnet).version: complete(pool) for pool in wanted.pools}
    asked = [version for version, is_asked in ((4, wanted.ipv4), (6, wanted.ipv6)) if is_asked]
    all_pools = tuple(
        named.get(version) or complete(AddressPool(choose_subnet(version, network_id, taken, routes), is_drawn=True))
        for version in asked
    )
    is_adopted = bool(bridge and find_link(netlink, bridge))
    return Network(network_id, _now(), bridge or f"lc-{network_id[:ID_SHORT]}", wanted.replace(pools=all_pools), is_adopted)


def _check(wanted: NetworkOptions, networks: Sequence[Network]) -> None:
    name = checked_name(wanted.name)
    _check_driver(wanted.driver)
    if name in PREDEFINED or name == "default":
        raise Forbidden(f"operation is not permitted on predefined {name} network: choose another name")
    if any(each.wanted.name == name for each in networks):
        raise InUse(f"network with name {name} already exists: remove it (labcore network rm {name}), or choose another name")
    if not (wanted.ipv4 or wanted.ipv6):
        raise InvalidInput(f"network {name}: it needs IPv4 or IPv6")
    if wanted.ipv6 and not has_ipv6():
        raise Unavailable(f"network {name}: this kernel has no IPv6 (ipv6.disable=1 on its command line?): leave out --ipv6")
    versions = [parse_prefix(pool.subnet).version for pool in wanted.pools]
    for version in (4, 6):
        if (count := versions.count(version)) > 1:
            raise InvalidInput(f"network {name}: {count} subnets of IPv{version}: a bridge has one of each version")


def _check_driver(driver: str) -> None:
    if driver in ("host", "null"):
        raise Forbidden(f'only one instance of "{driver}" network is allowed: use bridge')
    if driver in REFUSED:
        raise InvalidInput(f"driver {driver}: {REFUSED[driver]}: use bridge")
    if driver != "bridge":
        raise NotFound(f'plugin "{driver:.80}" not found: use the driver bridge')


def _check_overlap(pool: AddressPool, networks: Sequence[Network]) -> None:
    prefix = parse_prefix(pool.subnet)
    for other, network in subnets(networks):
        if prefix.overlaps(other):
            raise Forbidden(
                f"invalid pool request: Pool overlaps with other one on this address space: {pool.subnet} overlaps {other}, "
                f"which is network {network.wanted.name}'s"
            )


def _nameservers() -> list[Prefix]:
    """Return the host's resolvers: a subnet that hides one of them would leave the host without names."""
    try:
        with open("/etc/resolv.conf", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            words = [line.split() for line in file]
    except OSError:
        return []
    found = []
    for line in words:
        if len(line) > 1 and line[0] == "nameserver":
            try:
                address = parse_address(line[1].partition("%")[0])
            except InvalidInput:
                continue
            found.append(Prefix(address.version, address.number, 32 if address.version == 4 else 128))
    return found


def _new_id() -> str:
    return os.urandom(32).hex()


def _now() -> str:
    return datetime.now(UTC).isoformat()
