"""From what is wanted of an endpoint to an endpoint: its addresses, interface and names; conflicts are errors."""

import os
from collections.abc import Collection, Iterable, Sequence

from labcore.errors import InUse, InvalidInput
from labcore.network.endpoints import Entry, host_link
from labcore.network.options import IFNAME, BridgeOptions, bridge_options, checked_interface, endpoint_sysctls
from labcore.network.pools import allocate, check_address, check_given
from labcore.spec.addresses import mac_of, parse_address, parse_prefix
from labcore.spec.network import AddressPool, Endpoint, EndpointOptions, Network


def new_endpoint(
    network: Network, wanted: EndpointOptions, owner: str, own: Sequence[Endpoint], there: Iterable[Entry]
) -> Endpoint:  # fmt: skip
    """Return an endpoint as it is to be kept; `own` are its owner's, `there` the network's. Raises InvalidInput, InUse."""
    if network.wanted.driver != "bridge":
        raise InvalidInput(f"network {network.wanted.name}: a container is on it without an endpoint, and on no other")
    if any(each.network_id == network.id for each in own):
        raise InUse(f"network {network.wanted.name}: {owner[:12]} is connected to it already")
    options = bridge_options(network.wanted)
    interface = _interface(wanted, options, [each.interface for each in own])
    endpoint_sysctls(dict(wanted.driver_options), interface)  # errors now, not when the container's process waits
    check_addresses(wanted, network)
    addresses = {4: "", 6: ""}
    gateways = {4: "", 6: ""}
    for pool in network.wanted.pools:
        subnet = parse_prefix(pool.subnet)
        addresses[subnet.version] = f"{_address(pool, wanted, there, network)}/{subnet.length}"
        if not network.wanted.internal and options.has_gateway(subnet.version):
            gateways[subnet.version] = pool.gateway
    endpoint_id = os.urandom(32).hex()
    return Endpoint(
        id=endpoint_id,
        network_id=network.id,
        owner=owner,
        host_link=host_link(endpoint_id),
        interface=interface,
        mac_address=wanted.mac_address.lower() or mac_of(parse_address(addresses[4] or addresses[6])),
        wanted=wanted.replace(network=network.wanted.name),
        ipv4=addresses[4],
        ipv6=addresses[6],
        ipv4_gateway=gateways[4],
        ipv6_gateway=gateways[6],
    )


def check_addresses(wanted: EndpointOptions, network: Network) -> None:
    """Refuse fixed addresses that no endpoint of the network can have. Raises InvalidInput."""
    for text in (wanted.ipv4, wanted.ipv6):
        if text:
            check_given((*network.wanted.pools, *network.unused_pools), text, network.wanted.name)


def _interface(wanted: EndpointOptions, options: BridgeOptions, taken: Collection[str]) -> str:
    """Return the interface's name inside: the one that is asked for, or the first of eth0, eth1 … that is free."""
    if asked := dict(wanted.driver_options).get(IFNAME):
        if asked in taken:
            raise InUse(f"interface {asked}: the container has one of that name")
        return checked_interface(asked)
    number = 0
    while f"{options.interface_prefix}{number}" in taken:
        number += 1
    return f"{options.interface_prefix}{number}"


def _address(pool: AddressPool, wanted: EndpointOptions, entries: Iterable[Entry], network: Network) -> str:
    version = parse_prefix(pool.subnet).version
    asked = wanted.ipv4 if version == 4 else wanted.ipv6
    taken = {entry.ipv4 if version == 4 else entry.ipv6 for entry in entries} - {""}
    if asked:
        return check_address(pool, asked, taken, network.wanted.name)
    return allocate(pool, taken, network.wanted.name)
