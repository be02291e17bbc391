"""Connection tracking: what a published UDP port has left there, deleted by ctnetlink messages.

What belongs to a known connection is translated as before, whatever the rules say by now; and whoever keeps sending UDP from
one port has one connection for ever. To find some the kernel goes through all of its table, which takes ten milliseconds.
linux/netfilter/nfnetlink_conntrack.h. Light, as procfs.py is.
"""

from errno import EINVAL, ENOENT

from labcore.network.netlink import NETLINK_NETFILTER, Message, Netlink, NetlinkError, attribute, attributes
from labcore.spec.addresses import FAMILIES, parse_address

Entry = dict[int, bytes]  # a connection's attributes

IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_DELETE = 0x101, 0x102  # of the subsystem NFNL_SUBSYS_CTNETLINK
CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_ID, CTA_ZONE, CTA_FILTER = 1, 2, 12, 18, 25
CTA_TUPLE_IP, CTA_TUPLE_PROTO = 1, 2
CTA_IP_SRC, CTA_IP_DST = {4: 1, 6: 3}, {4: 2, 6: 4}
CTA_PROTO_NUM, CTA_PROTO_DST_PORT = 1, 3
CTA_FILTER_FLAGS = {CTA_TUPLE_ORIG: 1, CTA_TUPLE_REPLY: 2}
NLA_F_NESTED = 0x8000
# What is compared of a tuple, CTA_FILTER_F_… of the kernel's own nf_conntrack_netlink.c; before Linux 5.8 nothing is.
BY_SOURCE, BY_PROTOCOL, BY_DESTINATION_PORT = 1 << 0, 1 << 3, 1 << 5
UDP = b"\x11"
NFGENMSG_BYTES = 4


def forget_address(text: str) -> None:
    """Delete the connections that are led to a container's address. Raises NetlinkError."""
    address = parse_address(text)
    source = CTA_IP_SRC[address.version]
    asked = _nested(CTA_TUPLE_IP, attribute(source, address.packed))
    for entry in _found(address.version, CTA_TUPLE_REPLY, BY_SOURCE, asked):
        if _part(entry, CTA_TUPLE_REPLY, CTA_TUPLE_IP).get(source) == address.packed:
            _delete(address.version, entry)


def forget_untranslated(version: int, udp_port: int) -> None:
    """Delete the connections to a UDP port that nothing translates: they were begun before it was published, and go on so.

    Raises NetlinkError.
    """
    port = udp_port.to_bytes(2, "big")
    asked = _nested(CTA_TUPLE_PROTO, attribute(CTA_PROTO_NUM, UDP) + attribute(CTA_PROTO_DST_PORT, port))
    for entry in _found(version, CTA_TUPLE_ORIG, BY_PROTOCOL | BY_DESTINATION_PORT, asked):
        protocol = _part(entry, CTA_TUPLE_ORIG, CTA_TUPLE_PROTO)
        asked_of = _part(entry, CTA_TUPLE_ORIG, CTA_TUPLE_IP)[CTA_IP_DST[version]]
        answers = _part(entry, CTA_TUPLE_REPLY, CTA_TUPLE_IP)[CTA_IP_SRC[version]]
        if (protocol[CTA_PROTO_NUM], protocol.get(CTA_PROTO_DST_PORT)) == (UDP, port) and asked_of == answers:
            _delete(version, entry)


def _found(version: int, kind: int, compared: int, asked: bytes) -> list[Entry]:
    """Return the connections of a version of IP; of newer kernels, those alone that have what is asked for in one tuple."""
    flags = b"".join(attribute(each, compared if of == kind else 0) for of, each in CTA_FILTER_FLAGS.items())
    body = _header(version) + _nested(kind, asked) + _nested(CTA_FILTER, flags)
    with Netlink(NETLINK_NETFILTER) as netlink:
        try:
            answers = netlink.dump(Message(IPCTNL_MSG_CT_GET, body, "connections"))
        except NetlinkError as error:
            if error.errno != EINVAL:
                raise
            return []  # this kernel has no nf_conntrack_netlink, and nobody can tell of its connections
    return [attributes(answer, NFGENMSG_BYTES) for answer in answers]


def _delete(version: int, entry: Entry) -> None:
    known = b"".join(attribute(kind, entry[kind]) for kind in (CTA_ID, CTA_ZONE) if kind in entry)
    body = _header(version) + _nested(CTA_TUPLE_ORIG, entry[CTA_TUPLE_ORIG]) + known
    with Netlink(NETLINK_NETFILTER) as netlink:
        netlink.request(Message(IPCTNL_MSG_CT_DELETE, body, "connection", tolerate=ENOENT))


def _part(entry: Entry, kind: int, part: int) -> Entry:
    """Return the addresses, or the protocol with its ports, of one direction of a connection."""
    return attributes(attributes(entry[kind])[part])


def _nested(kind: int, content: bytes) -> bytes:
    return attribute(kind | NLA_F_NESTED, content)


def _header(version: int) -> bytes:
    return bytes([FAMILIES[version], 0, 0, 0])  # struct nfgenmsg
