"""Elements of nftables' sets and maps, added and removed by nfnetlink messages of our own: a transaction of 0.1 ms.

libnftables takes nine milliseconds to be loaded and to say the same. What changes with every container is an element, so whole
rulesets are the library's (`nftables.py`), and elements are written here: `struct nfgenmsg`, `enum nft_set_elem_attributes` of
linux/netfilter/nf_tables.h. Light, as procfs.py is.
"""

from _socket import AF_NETLINK, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_RAW, socket  # `socket` itself costs 10 ms of a command's start
from struct import Struct

from labcore.errors import SystemCallError
from labcore.network.netlink import (
    NETLINK_NETFILTER,
    NLA_TYPE_MASK,
    NLM_F_ACK,
    NLM_F_CREATE,
    NLM_F_REQUEST,
    NLMSG_ERROR,
    Message,
    Netlink,
    attribute,
    attributes,
    each_attribute,
)

TYPE_CHECKING = False  # `typing` costs 3 ms of each start of a command
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Elements = Mapping[str, Sequence[Sequence[bytes]]]  # of each set: each element's key, and a map's value

NFPROTO = {"inet": 1, "ip": 2, "bridge": 7, "ip6": 10}
NFNL_SUBSYS_NFTABLES = 10
NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END = 16, 17
NFT_MSG_GETCHAIN, NFT_MSG_NEWSETELEM, NFT_MSG_GETSETELEM, NFT_MSG_DELSETELEM = (
    NFNL_SUBSYS_NFTABLES << 8 | number for number in (4, 12, 13, 14)
)
NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME = 1, 3
NLA_F_NESTED = 0x8000
NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET, NFTA_SET_ELEM_LIST_ELEMENTS = 1, 2, 3 | NLA_F_NESTED
NFTA_LIST_ELEM = 1 | NLA_F_NESTED
NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_DATA = 1 | NLA_F_NESTED, 2 | NLA_F_NESTED
NFTA_DATA_VALUE = 1
AT_ONCE = 300  # elements of one message: an attribute has at most 64 KiB

_HEADER = Struct("=IHHII")  # struct nlmsghdr
_FAMILY = Struct(">BBH")  # struct nfgenmsg
_ERROR = Struct("=i")  # struct nlmsgerr's beginning


class SetElements:
    """The sets of the tables named `table`, in the network namespace of the thread that makes this.

    It keeps its socket: the kernel lets whoever closes one wait until what was removed is freed, ten milliseconds later.
    """

    def __init__(self, table: str) -> None:
        self.table = table
        self._socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)

    def add(self, elements: "Mapping[str, Elements]") -> None:
        """Add elements to sets, by the tables' families; an equal one that is there already stays.

        All of them or none. Raises SystemCallError: ENOENT, no such table or set; EEXIST, a map has another value for the key.
        """
        self._transact(NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements)

    def remove(self, elements: "Mapping[str, Elements]") -> None:
        """Remove elements, all of them or none. Raises SystemCallError: ENOENT, no such table, set or element."""
        self._transact(NFT_MSG_DELSETELEM, 0, elements)

    def _transact(self, kind: int, flags: int, elements: "Mapping[str, Elements]") -> None:
        requests = [
            (kind, flags | NLM_F_ACK, _FAMILY.pack(NFPROTO[family], 0, 0) + _element_list(self.table, name, part))
            for family, sets in elements.items()
            for name, those in sets.items()
            for part in _parts(those)
        ]
        limit = _FAMILY.pack(0, 0, NFNL_SUBSYS_NFTABLES)
        batch = [(NFNL_MSG_BATCH_BEGIN, 0, limit), *requests, (NFNL_MSG_BATCH_END, 0, limit)]
        messages = [
            _HEADER.pack(_HEADER.size + len(body), message, NLM_F_REQUEST | more, number, 0) + body
            for number, (message, more, body) in enumerate(batch)
        ]
        self._socket.send(b"".join(messages))  # the kernel has done it, and has answered, when this returns
        for error in list(_errors(self._socket)):
            raise SystemCallError(error, "nfnetlink", f"table {self.table}", "firewall")

    def has_chain(self, family: str, chain: str, table: str = "") -> bool:
        """Return whether there is a chain of that name, in our tables or in another one."""
        names = attribute(NFTA_CHAIN_TABLE, table or self.table) + attribute(NFTA_CHAIN_NAME, chain)
        body = _FAMILY.pack(NFPROTO[family], 0, 0) + names
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), NFT_MSG_GETCHAIN, NLM_F_REQUEST | NLM_F_ACK, 0, 0) + body)
        return not list(_errors(self._socket))


def list_elements(family: str, table: str, name: str) -> "list[list[bytes]]":
    """Return each element's key, and a map's value, of a set in the calling thread's network namespace. Raises NetlinkError."""
    names = attribute(NFTA_SET_ELEM_LIST_TABLE, table) + attribute(NFTA_SET_ELEM_LIST_SET, name)
    message = Message(NFT_MSG_GETSETELEM, _FAMILY.pack(NFPROTO[family], 0, 0) + names, f"set {name} of table {table}")
    with Netlink(NETLINK_NETFILTER) as netlink:
        answers = netlink.dump(message)
    lists = (attributes(answer, _FAMILY.size).get(NFTA_SET_ELEM_LIST_ELEMENTS & NLA_TYPE_MASK, b"") for answer in answers)
    return [_key_and_value(element) for each in lists for _, element in each_attribute(each)]


def _key_and_value(element: bytes) -> "list[bytes]":
    found = attributes(element)
    kinds = (NFTA_SET_ELEM_KEY & NLA_TYPE_MASK, NFTA_SET_ELEM_DATA & NLA_TYPE_MASK)
    return [attributes(found[kind])[NFTA_DATA_VALUE] for kind in kinds if kind in found]


def _parts(elements: "Sequence[Sequence[bytes]]") -> "Iterator[Sequence[Sequence[bytes]]]":
    return (elements[index : index + AT_ONCE] for index in range(0, len(elements), AT_ONCE))


def _element_list(table: str, name: str, elements: "Iterable[Sequence[bytes]]") -> bytes:
    listed = [attribute(NFTA_LIST_ELEM, _element(*element)) for element in elements]
    return (
        attribute(NFTA_SET_ELEM_LIST_TABLE, table)
        + attribute(NFTA_SET_ELEM_LIST_SET, name)
        + attribute(NFTA_SET_ELEM_LIST_ELEMENTS, listed)
    )


def _element(*key_and_value: bytes) -> "list[bytes]":
    kinds = (NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_DATA)
    return [attribute(kind, attribute(NFTA_DATA_VALUE, part)) for kind, part in zip(kinds, key_and_value, strict=False)]


def _errors(connection: socket) -> "Iterator[int]":
    """Yield the error numbers among the answers to a transaction."""
    while True:
        try:
            answer = connection.recv(1 << 16, MSG_DONTWAIT)
        except BlockingIOError:
            return
        while len(answer) >= _HEADER.size + _ERROR.size:
            length, kind, _, _, _ = _HEADER.unpack_from(answer)
            if kind == NLMSG_ERROR and (error := -_ERROR.unpack_from(answer, _HEADER.size)[0]):
                yield error
            answer = answer[length + -length % 4 :]
