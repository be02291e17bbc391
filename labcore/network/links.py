"""Links, addresses and routes as rtnetlink(7) requests: bridge, veth(4) pair, default route. And the links that there are."""

from _socket import if_nametoindex
from errno import ENODEV
from struct import Struct
from sys import byteorder

from labcore.network.netlink import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    RTM_DELLINK,
    RTM_GETLINK,
    RTM_GETROUTE,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWROUTE,
    RTM_SETLINK,
    Message,
    Netlink,
    NetlinkError,
    attribute,
    attributes,
)
from labcore.record import Record
from labcore.spec.addresses import FAMILIES, Address, Prefix, parse_address, parse_prefix

IFF_UP = 0x1
IFNAME_MAX = 15  # bytes
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER, IFLA_LINKINFO, IFLA_IFALIAS, IFLA_AF_SPEC = 1, 3, 4, 10, 18, 20, 26
IFLA_LINK, IFLA_NET_NS_FD, IFLA_EXT_MASK, IFLA_LINK_NETNSID = 5, 28, 29, 37
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
VETH_INFO_PEER = 1
IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE = 8, 1
RTEXT_FILTER_SKIP_STATS = 1 << 3
IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST = 1, 2, 4
IFA_F_NODAD = 0x02
RTA_DST, RTA_OIF, RTA_GATEWAY = 1, 4, 5
RT_TABLE_MAIN, RT_TABLE_LOCAL = 254, 255
RTPROT_BOOT, RTN_UNICAST = 3, 1
NEW = NLM_F_CREATE | NLM_F_EXCL

_LINK = Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, which flags to change
_ADDRESS = Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index
_ROUTE = Struct(
    "=BBBBBBBBI"
)  # struct rtmsg: family, lengths of destination and source, tos, table, protocol, scope, type, flags


class Link(Record):
    """A link: its index, name, alias (ip-link(8)), kind (`bridge`, `veth` …) and the bridge that it is on.

    Of a veth(4) pair `peer` is the other end's index, `peer_namespace` the number of that one's namespace (None: this one's).
    """

    index: int
    name: str
    alias: str = ""
    kind: str = ""
    master: int = 0
    is_up: bool = False
    mac_address: str = ""
    peer: int = 0
    peer_namespace: int | None = None


class Route(Record):
    """A unicast route; one without a gateway (an address) leads to a network that the host is on."""

    destination: Prefix
    gateway: str
    link: int

    @property
    def is_default(self) -> bool:
        """Whether it takes everything that no other route takes."""
        return not self.destination.length


# --- requests


def add_bridge(name: str, mac_address: str, mtu: int) -> Message:
    """Make a bridge. Its MAC address is set, lest it change with each link that comes and goes."""
    info = attribute(IFLA_LINKINFO, [attribute(IFLA_INFO_KIND, b"bridge")])
    return Message(RTM_NEWLINK, _LINK.pack(0, 0, 0, 0, 0) + _link(name, mac_address, mtu) + info, f"bridge {name}", NEW)


def add_veth(name: str, bridge: int, mtu: int, peer: str, peer_mac_address: str, namespace: int) -> Message:
    """Make a veth(4) pair: one end on a bridge, the other, with its final name, in the network namespace of that descriptor."""
    inside = _LINK.pack(0, 0, 0, 0, 0) + _link(peer, peer_mac_address, mtu) + attribute(IFLA_NET_NS_FD, namespace)
    data = attribute(IFLA_INFO_DATA, [attribute(VETH_INFO_PEER, inside)])
    info = attribute(IFLA_LINKINFO, [attribute(IFLA_INFO_KIND, b"veth"), data])
    outside = _LINK.pack(0, 0, 0, 0, 0) + _link(name, "", mtu) + attribute(IFLA_MASTER, bridge)
    return Message(RTM_NEWLINK, outside + info, f"veth pair {name}, {peer}", NEW)


def add_veth_pair(name: str, peer: str) -> Message:
    """Make a veth(4) pair, both of whose ends are here and on no bridge."""
    inside = _LINK.pack(0, 0, 0, 0, 0) + _link(peer, "", 0)
    data = attribute(IFLA_INFO_DATA, [attribute(VETH_INFO_PEER, inside)])
    info = attribute(IFLA_LINKINFO, [attribute(IFLA_INFO_KIND, b"veth"), data])
    return Message(RTM_NEWLINK, _LINK.pack(0, 0, 0, 0, 0) + _link(name, "", 0) + info, f"veth pair {name}, {peer}", NEW)


def _link(name: str, mac_address: str, mtu: int) -> bytes:
    found = attribute(IFLA_IFNAME, name)
    if mac_address:
        found += attribute(IFLA_ADDRESS, bytes.fromhex(mac_address.replace(":", "")))
    return found + attribute(IFLA_MTU, mtu) if mtu else found


def set_alias(name: str, alias: str, *, no_ipv6: bool = False) -> Message:
    """Give a link its alias, and set it up; with `no_ipv6` it gets no address of its own by that."""
    body = attribute(IFLA_IFNAME, name) + attribute(IFLA_IFALIAS, alias.encode())
    if no_ipv6:
        inet6 = attribute(FAMILIES[6], [attribute(IFLA_INET6_ADDR_GEN_MODE, bytes([IN6_ADDR_GEN_MODE_NONE]))])
        body += attribute(IFLA_AF_SPEC, [inet6])
    return Message(RTM_SETLINK, _LINK.pack(0, 0, 0, IFF_UP, IFF_UP) + body, f"link {name}")


def set_up(index: int) -> Message:
    """Set a link up."""
    return Message(RTM_SETLINK, _LINK.pack(0, 0, index, IFF_UP, IFF_UP), f"link {index}")


def set_master(index: int, bridge: int) -> Message:
    """Make a link a port of a bridge, given by its index."""
    return Message(RTM_SETLINK, _LINK.pack(0, 0, index, 0, 0) + attribute(IFLA_MASTER, bridge), f"link {index}")


def set_namespace(index: int, namespace: int, name: str) -> Message:
    """Move a link into the network namespace of that descriptor, where it has this name. It is down afterwards."""
    body = attribute(IFLA_NET_NS_FD, namespace) + attribute(IFLA_IFNAME, name)
    return Message(RTM_SETLINK, _LINK.pack(0, 0, index, 0, 0) + body, f"link {name}")


def set_down(name: str, alias: str = "") -> Message:
    """Set a link down, if it is there: it carries nothing any more. It may get an alias, lest it be taken for another."""
    body = _LINK.pack(0, 0, 0, 0, IFF_UP) + attribute(IFLA_IFNAME, name)
    body += attribute(IFLA_IFALIAS, alias.encode()) if alias else b""
    return Message(RTM_SETLINK, body, f"link {name}", tolerate=ENODEV)


def delete_link(name: str) -> Message:
    """Remove a link, if it is there; of a veth pair, both ends. The kernel waits until nobody looks at it: 20 ms."""
    body = _LINK.pack(0, 0, 0, 0, 0) + attribute(IFLA_IFNAME, name)
    return Message(RTM_DELLINK, body, f"link {name}", tolerate=ENODEV)


def add_address(index: int, text: str) -> Message:
    """Give a link an address with its prefix, `172.18.0.2/16`. One of IPv6 is not looked for among the neighbours (DAD)."""
    address, prefix = parse_address(text), parse_prefix(text)
    body = attribute(IFA_LOCAL, address.packed) + attribute(IFA_ADDRESS, address.packed)
    if address.version == 4 and prefix.length < 31:
        body += attribute(IFA_BROADCAST, Address(4, prefix.last).packed)
    flags = IFA_F_NODAD if address.version == 6 else 0
    header = _ADDRESS.pack(FAMILIES[address.version], prefix.length, flags, 0, index)
    return Message(RTM_NEWADDR, header + body, f"address {text}", NLM_F_CREATE | NLM_F_REPLACE)


def default_route(index: int, gateway: str) -> Message:
    """Have everything that no other route takes go to a gateway; a default route that is there is replaced."""
    address = parse_address(gateway)
    header = _ROUTE.pack(FAMILIES[address.version], 0, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, 0, RTN_UNICAST, 0)
    body = attribute(RTA_GATEWAY, address.packed) + attribute(RTA_OIF, index)
    return Message(RTM_NEWROUTE, header + body, f"default route by {gateway}", NLM_F_CREATE | NLM_F_REPLACE)


# --- what there is


def link_index(name: str) -> int:
    """Return a link's index in this thread's network namespace, 0 if there is none of that name."""
    try:
        return if_nametoindex(name)
    except OSError:
        return 0


def list_links(netlink: Netlink) -> list[Link]:
    """Return all links."""
    return [_link_of(answer) for answer in netlink.dump(_get_link(b"", "links"))]


def find_link(netlink: Netlink, name: str) -> Link | None:
    """Return the link of that name, None if there is none."""
    try:
        return _link_of(netlink.get(_get_link(attribute(IFLA_IFNAME, name), f"link {name}")))
    except NetlinkError as error:
        if error.errno == ENODEV:
            return None
        raise


def _get_link(which: bytes, about: str) -> Message:
    mask = attribute(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    return Message(RTM_GETLINK, _LINK.pack(0, 0, 0, 0, 0) + which + mask, about)


def _link_of(answer: bytes) -> Link:
    _, _, index, flags, _ = _LINK.unpack_from(answer)
    found = attributes(answer, _LINK.size)
    kind = _text(attributes(found.get(IFLA_LINKINFO, b"")).get(IFLA_INFO_KIND, b""))
    return Link(
        index=index,
        name=_text(found[IFLA_IFNAME]),
        alias=_text(found.get(IFLA_IFALIAS, b"")),
        kind=kind,
        master=_number(found.get(IFLA_MASTER, b"")),
        is_up=bool(flags & IFF_UP),
        mac_address=found.get(IFLA_ADDRESS, b"").hex(":"),
        peer=_number(found.get(IFLA_LINK, b"")) if kind == "veth" else 0,
        peer_namespace=_number(found[IFLA_LINK_NETNSID]) if IFLA_LINK_NETNSID in found else None,
    )


def list_routes(netlink: Netlink) -> list[Route]:
    """Return the unicast routes of all tables but the local one."""
    answers = netlink.dump(Message(RTM_GETROUTE, _ROUTE.pack(0, 0, 0, 0, 0, 0, 0, 0, 0), "routes"))
    return [route for route in map(_route_of, answers) if route]


def _route_of(answer: bytes) -> Route | None:
    family, length, _, _, table, _, _, kind, _ = _ROUTE.unpack_from(answer)
    found = attributes(answer, _ROUTE.size)
    version = next((version for version, number in FAMILIES.items() if number == family), 0)
    if kind != RTN_UNICAST or not version or table == RT_TABLE_LOCAL:
        return None
    destination = Prefix(version, int.from_bytes(found.get(RTA_DST, b""), "big"), length)
    gateway = str(Address(version, int.from_bytes(found[RTA_GATEWAY], "big"))) if RTA_GATEWAY in found else ""
    return Route(destination, gateway, _number(found.get(RTA_OIF, b"")))


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")


def _number(value: bytes) -> int:
    return int.from_bytes(value, byteorder)
