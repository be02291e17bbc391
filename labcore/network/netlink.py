"""rtnetlink(7): requests about links, addresses and routes as messages on a netlink(7) socket, several in one send.

A message is a header, a structure of its kind (`struct ifinfomsg` …) and attributes. An attribute is a length, a type and a
value, which may be attributes again. The kernel works through all messages of a send, and acknowledges each or says what was
wrong with it. Light, as procfs.py is.
"""

from _socket import AF_NETLINK, SOCK_CLOEXEC, SOCK_RAW, socket  # the module `socket` costs 10 ms of each start of a command
from errno import EPERM
from struct import Struct
from sys import byteorder

from labcore.errors import SystemCallError, Unavailable
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 270, 10, 11, 12
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP_INTR = 0x01, 0x04, 0x10
NLM_F_DUMP, NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x300, 0x100, 0x200, 0x400
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSGERR_ATTR_MSG = 1
NLA_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 16, 17, 18, 19
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_GETNSID = 90
_KINDS = {number: name for name, number in globals().items() if name.startswith("RTM_")}

_HEADER = Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence number, port
_ATTRIBUTE = Struct("=HH")  # struct nlattr: length, type
_ERROR = Struct("=i")
_ANSWER_BYTES = 1 << 17  # the kernel fills at most 32 KiB at a time


class Message(Record):
    """A request: its kind (RTM_NEWLINK …), its structure with its attributes, what it is about (for errors), and flags.

    The errno `tolerate` is no failure.
    """

    kind: int
    body: bytes
    about: str
    flags: int = 0
    tolerate: int = 0


class NetlinkError(SystemCallError):
    """A request that the kernel refused. `reason` is its own sentence about it (extended acknowledgement), or empty."""

    def __init__(self, number: int, message: Message, reason: str) -> None:
        super().__init__(number, _KINDS.get(message.kind, "netlink"), message.about)
        self.reason = reason

    def __str__(self) -> str:
        return f"{super().__str__()}{f': {self.reason}' if self.reason else ''}"


def attribute(kind: int, value: "bytes | str | int | Sequence[bytes]") -> bytes:
    """Return an attribute: bytes as they are, a string with a NUL, a number as 32 bits, or nested attributes."""
    if isinstance(value, str):
        value = value.encode() + b"\0"
    elif isinstance(value, int):
        value = value.to_bytes(4, byteorder)
    elif not isinstance(value, bytes):
        value = b"".join(value)
    return _ATTRIBUTE.pack(4 + len(value), kind) + value + bytes(-len(value) % 4)


def attributes(data: bytes, start: int = 0) -> "dict[int, bytes]":
    """Return the attributes that stand in `data` from there on, by type."""
    return dict(each_attribute(data, start))


def each_attribute(data: bytes, start: int = 0) -> "Iterator[tuple[int, bytes]]":
    """Yield the type and the value of each attribute from there on: in a list, all have one type."""
    while start + 4 <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, start)
        if length < 4:
            break
        yield kind & NLA_TYPE_MASK, data[start + 4 : start + length]
        start += length + 3 & ~3


class Netlink:
    """A netlink socket of the network namespace that the calling thread is in; closed at the block's end."""

    def __init__(self, family: int = NETLINK_ROUTE) -> None:
        self._socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family)
        for option in (NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK):
            self._socket.setsockopt(SOL_NETLINK, option, 1)
        self._sequence = 0

    def request(self, *messages: Message) -> None:
        """Have the kernel do all this, in order. Raises NetlinkError for the first that failed; the others are done.

        Raises Unavailable if this process may not.
        """
        if not messages:
            return
        first = self._send(messages, NLM_F_ACK)
        failures = {}
        waiting = len(messages)
        while waiting:
            for kind, flags, sequence, answer in self._receive():
                if kind == NLMSG_ERROR and sequence >= first:
                    waiting -= 1
                    number = -_ERROR.unpack_from(answer)[0]
                    if number not in (0, messages[sequence - first].tolerate):
                        failures[sequence - first] = number, _reason(answer, flags)
        if failures:
            index = min(failures)
            _check_permission(failures[index][0], messages[index])
            raise NetlinkError(failures[index][0], messages[index], failures[index][1])

    def get(self, message: Message) -> bytes:
        """Return the one thing that is asked for: its structure with its attributes. Raises NetlinkError."""
        first = self._send([message], 0)
        while True:
            for kind, flags, sequence, answer in self._receive():
                if sequence == first:
                    if kind == NLMSG_ERROR:
                        raise NetlinkError(-_ERROR.unpack_from(answer)[0], message, _reason(answer, flags))
                    return answer

    def dump(self, message: Message) -> "list[bytes]":
        """Return everything of a kind (RTM_GETLINK …): structures with their attributes. Raises NetlinkError."""
        while True:
            found, interrupted = self._dump_once(message)
            if not interrupted:  # else something has changed meanwhile, and may be missing
                return found

    def _dump_once(self, message: Message) -> "tuple[list[bytes], bool]":
        first = self._send([message], NLM_F_DUMP)
        found: list[bytes] = []
        interrupted = False
        while True:
            for kind, flags, sequence, answer in self._receive():
                if sequence != first:
                    continue
                interrupted = interrupted or bool(flags & NLM_F_DUMP_INTR)
                if kind in (NLMSG_DONE, NLMSG_ERROR):
                    if number := -_ERROR.unpack_from(answer)[0]:
                        raise NetlinkError(number, message, _reason(answer, flags) if kind == NLMSG_ERROR else "")
                    return found, interrupted
                found.append(answer)

    def _send(self, messages: "Sequence[Message]", flags: int) -> int:
        first = self._sequence + 1
        parts = []
        for message in messages:
            self._sequence += 1
            length = _HEADER.size + len(message.body)
            parts.append(_HEADER.pack(length, message.kind, message.flags | flags | NLM_F_REQUEST, self._sequence, 0))
            parts.append(message.body)
        self._socket.send(b"".join(parts))
        return first

    def _receive(self) -> "Iterator[tuple[int, int, int, bytes]]":
        data = self._socket.recv(_ANSWER_BYTES)
        start = 0
        while start < len(data):
            length, kind, flags, sequence, _ = _HEADER.unpack_from(data, start)
            yield kind, flags, sequence, data[start + _HEADER.size : start + length]
            start += length + 3 & ~3

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_permission(number: int, message: Message) -> None:
    if number == EPERM:
        raise Unavailable(
            f"{message.about}: only root may configure networks (CAP_NET_ADMIN): become root, or use --network none"
        )


def _reason(answer: bytes, flags: int) -> str:
    """Return the kernel's sentence behind an error: it stands behind the request, or behind the header of that."""
    if not flags & NLM_F_ACK_TLVS:
        return ""
    request = _HEADER.size if flags & NLM_F_CAPPED else _HEADER.unpack_from(answer, 4)[0]
    return attributes(answer, 4 + request).get(NLMSGERR_ATTR_MSG, b"").rstrip(b"\0").decode(errors="replace")
