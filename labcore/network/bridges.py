"""A network's bridge(8) on the host: made, found again by its alias, mended, removed; and IP forwarding."""

from collections.abc import Callable, Iterable

from labcore.errors import InUse, Unavailable
from labcore.network.aliases import OURS, identity
from labcore.network.links import (
    Link,
    add_address,
    add_bridge,
    delete_link,
    find_link,
    link_index,
    list_links,
    set_alias,
    set_up,
)
from labcore.network.namespaces import get_sysctl, has_ipv6, set_sysctl
from labcore.network.netlink import Netlink
from labcore.network.options import bridge_options
from labcore.spec.addresses import Prefix, mac_of, parse_address, parse_prefix
from labcore.spec.network import AddressPool, Network


def find_bridge(netlink: Netlink, network: Network, alias: str) -> int:
    """Return the index of a network's bridge, 0 if it is not there as it was made: it gets its alias last."""
    link = find_link(netlink, network.bridge)
    if not link or not link.is_up:
        return 0
    is_whole = not link.alias.startswith(OURS) if network.is_adopted else identity(link.alias) == identity(alias)
    return link.index if is_whole else 0


def make_bridge(netlink: Netlink, network: Network, alias: str, isolate: Callable[[Network], None]) -> int:
    """Make a network's bridge, or mend what there is of it; return its index. Before it carries anything it is isolated.

    Raises InUse, Unavailable, NetlinkError.
    """
    options = bridge_options(network.wanted)
    link = find_link(netlink, network.bridge)
    if link:
        _check_ours(link, network, alias)
    elif network.is_adopted:
        raise Unavailable(f"bridge {network.bridge} of network {network.wanted.name} is gone: it was yours: make it again")
    else:
        netlink.request(add_bridge(network.bridge, _mac_address(network), options.mtu))
    index = link_index(network.bridge)
    isolate(network)
    for path, value in _sysctls(network):
        set_sysctl(path, value)
    addresses = [add_address(index, gateway_of(pool)) for pool in network.wanted.pools if options.has_host(_version(pool))]
    named = set_up(index) if network.is_adopted else set_alias(network.bridge, alias)
    netlink.request(*addresses, named)
    return index


def delete_bridge(netlink: Netlink, network: Network, alias: str) -> None:
    """Remove a network's bridge, if it is there and is ours."""
    if is_ours(netlink, network, alias):
        netlink.request(delete_link(network.bridge))


def is_ours(netlink: Netlink, network: Network, alias: str) -> bool:
    """Return whether a network's bridge is there, and was made by us, be it half."""
    link = find_link(netlink, network.bridge)
    return bool(link and not network.is_adopted and identity(link.alias) in ("", identity(alias)))


def gateway_of(pool: AddressPool) -> str:
    """Return the host's address on the bridge, with its prefix."""
    return f"{pool.gateway}/{parse_prefix(pool.subnet).length}"


def subnets(networks: Iterable[Network]) -> list[tuple[Prefix, Network]]:
    """Return all subnets, with the networks that have them."""
    return [(parse_prefix(pool.subnet), network) for network in networks for pool in network.wanted.pools]


def _check_ours(link: Link, network: Network, alias: str) -> None:
    if link.kind != "bridge":
        raise InUse(f"link {link.name} is no bridge: network {network.wanted.name} cannot use it: give it another name")
    if identity(link.alias) != identity(alias) and (link.alias.startswith(OURS) or (not network.is_adopted and link.alias)):
        raise InUse(f"bridge {link.name} is somebody else's ({link.alias}): network {network.wanted.name} cannot use it")


def _mac_address(network: Network) -> str:
    return mac_of(parse_address(network.wanted.pools[0].gateway))


def _version(pool: AddressPool) -> int:
    return parse_address(pool.gateway).version


def _sysctls(network: Network) -> list[tuple[str, str]]:
    """Return the kernel parameters of the bridge: it believes no router's word, and has no IPv6 if the network has none.

    What the host sends to a published port of 127.0.0.1 has that as its source: `route_localnet` lets it go to a container.
    """
    found = [(f"net/ipv4/conf/{network.bridge}/route_localnet", "01"[network.wanted.ipv4 and not network.wanted.internal])]
    if has_ipv6():
        place = f"net/ipv6/conf/{network.bridge}"
        found += [(f"{place}/disable_ipv6", "01"[not network.wanted.ipv6]), (f"{place}/accept_ra", "0")]
    return found


def ensure_forwarding(network: Network) -> list[str]:
    """Have the host forward packets if a network needs that; return what was switched on, as sentences.

    It is never switched off again: others may need it.
    """
    if network.wanted.internal:
        return []
    notes = []
    if network.wanted.ipv4 and get_sysctl("net/ipv4/ip_forward") == "0":
        set_sysctl("net/ipv4/ip_forward", "1")
        notes.append(f"network {network.wanted.name}: switched on net.ipv4.ip_forward")
    if network.wanted.ipv6 and get_sysctl("net/ipv6/conf/all/forwarding") == "0":
        notes += [f"switched on net.ipv6.conf.{link}.accept_ra=2, lest it lose its routes" for link in _keep_accepting_ra()]
        set_sysctl("net/ipv6/conf/all/forwarding", "1")
        notes.append(f"network {network.wanted.name}: switched on net.ipv6.conf.all.forwarding")
    return notes


def _keep_accepting_ra() -> list[str]:
    """Have links that follow routers' advertisements follow them also where this host forwards (accept_ra 2).

    The port of a bridge follows none, whatever it is set to.
    """
    with Netlink() as netlink:
        found = [link.name for link in list_links(netlink) if not link.master and link.name != "lo"]
    accepting = [link for link in found if _accepts_ra(link)]
    for link in accepting:
        set_sysctl(f"net/ipv6/conf/{link}/accept_ra", "2")
    return accepting


def _accepts_ra(link: str) -> bool:
    try:
        return get_sysctl(f"net/ipv6/conf/{link}/accept_ra") == "1"
    except FileNotFoundError:  # it is too small for IPv6, or has just gone
        return False
