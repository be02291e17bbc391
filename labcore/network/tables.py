"""A network namespace's tables: its links, their addresses, its routes; and its number for another (nsid): rtnetlink(7)."""

from collections.abc import Sequence
from struct import Struct
from sys import byteorder

from labcore.network.links import IFA_ADDRESS, IFA_LOCAL, Link, Route, list_links, list_routes
from labcore.network.netlink import RTM_GETADDR, RTM_GETNSID, Message, Netlink, attribute, attributes
from labcore.record import Record
from labcore.spec.addresses import FAMILIES, Address

NETNSA_NSID, NETNSA_FD = 1, 3
NOT_ASSIGNED = -1
RT_SCOPE_LINK = 253

_ADDRESS = Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index


class Tables(Record):
    """What a network namespace holds. `addresses` are pairs of a link's index and an address with its prefix."""

    links: tuple[Link, ...]
    addresses: tuple[tuple[int, str], ...]
    routes: tuple[Route, ...]
    numbers: tuple[int | None, ...]


def read_tables(namespaces: Sequence[int] = ()) -> Tables:
    """Return the tables of the namespace that the calling thread is in.

    `numbers` are those by which its links' `peer_namespace` means the namespaces of these descriptors. Raises NetlinkError.
    """
    with Netlink() as netlink:
        links = tuple(list_links(netlink))  # first: with that the kernel numbers the namespaces that they lead to
        numbers = tuple(namespace_id(netlink, namespace) for namespace in namespaces)
        return Tables(links, tuple(list_addresses(netlink)), tuple(list_routes(netlink)), numbers)


def list_addresses(netlink: Netlink) -> list[tuple[int, str]]:
    """Return all addresses but those that are good on one link alone (`fe80::…`), each with the index of its link."""
    answers = netlink.dump(Message(RTM_GETADDR, _ADDRESS.pack(0, 0, 0, 0, 0), "addresses"))
    return [pair for pair in map(_address_of, answers) if pair]


def _address_of(answer: bytes) -> tuple[int, str] | None:
    family, length, _, scope, index = _ADDRESS.unpack_from(answer)
    version = next((version for version, number in FAMILIES.items() if number == family), 0)
    if not version or scope == RT_SCOPE_LINK:
        return None
    found = attributes(answer, _ADDRESS.size)
    address = Address(version, int.from_bytes(found.get(IFA_LOCAL, found[IFA_ADDRESS]), "big"))
    return index, f"{address}/{length}"


def namespace_id(netlink: Netlink, namespace: int) -> int | None:
    """Return the number that the socket's namespace has for the one of that descriptor, None if it has none: RTM_GETNSID."""
    answer = netlink.get(Message(RTM_GETNSID, bytes(4) + attribute(NETNSA_FD, namespace), "number of a namespace"))
    number = int.from_bytes(attributes(answer, 4)[NETNSA_NSID], byteorder, signed=True)
    return None if number == NOT_ASSIGNED else number
