"""Trace of one packet, the first of a TCP connection: where packet(7) sockets on all interfaces of some namespaces saw it."""

import secrets
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Final, Literal

from labcore.errors import Unavailable
from labcore.lab.messages import say
from labcore.lab.pictures.net_layout import joined
from labcore.lab.pictures.net_namespaces import Open, inside
from labcore.record import Record
from labcore.spec.addresses import FAMILIES, Address, parse_address

WAIT_SECONDS: Final = 0.9  # for an answer: after a second the kernel sends the packet again
SETTLE_SECONDS: Final = 0.03  # until the kernel stamps what it receives: it switches that on in a work queue
BUFFER_BYTES: Final = 4 << 20
HEADERS_BYTES: Final = 128
ETH_P_ALL, SOL_PACKET, PACKET_STATISTICS = 3, 263, 6
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_SEND_QUEUE = 19, 20, 21, 2
SYN, ACK = 0x02, 0x10
TCP: Final = struct.Struct(">HHIIxB")  # ports, sequence numbers, flags

Outcome = Literal["answered", "refused", "timeout", "unreachable"]


class Sighting(Record):
    """The packet on an interface: of which namespace (its place in the list), outgoing or not, when, between whom."""

    place: int
    interface: str
    is_outgoing: bool
    time_us: float
    source: str
    destination: str


class Trace(Record):
    """A packet's way. `source` and `destination` are what the program's socket says; times are since its call of connect(2).

    `dropped` counts what the packet sockets could not keep: sightings may be missing then.
    """

    place: int
    source: str
    destination: str
    sightings: tuple[Sighting, ...]
    outcome: Outcome
    outcome_us: float
    dropped: int = 0


def trace(namespaces: Sequence[Open], place: int, address: str, port: int) -> Trace:
    """Connect from a namespace to an address, and return where the first packet was seen in all of these.

    It is known by its sequence number, which no translation changes: it is drawn here, not by the kernel. Raises Unavailable.
    """
    sequence = 1 + secrets.randbelow((1 << 32) - 1)
    with ExitStack() as stack:
        watching = [stack.enter_context(inside(each, packet_socket)) for each in namespaces]
        client = stack.enter_context(inside(namespaces[place], partial(_client, parse_address(address), sequence)))
        time.sleep(SETTLE_SECONDS)
        began = time.time_ns()
        outcome = _connect(client, address, port)
        ended = time.time_ns()
        own = joined(*client.getsockname()[:2])
        time.sleep(SETTLE_SECONDS)  # who has answered may be quicker than the packet's copies
        read = time.time_ns()
        found = [each for number, one in enumerate(watching) for each in _sightings(one, number, sequence)]
        dropped = sum(struct.unpack("=II", one.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1] for one in watching)
    if any(stamp > read for stamp, _ in found):  # then it is the time of reading
        raise Unavailable(say("the kernel was too busy to stamp the packet on its way: try again"))
    return Trace(place, own, joined(address, port), _way(found, began), outcome, (ended - began) / 1e3, dropped)


def _way(found: Sequence[tuple[int, Sighting]], began: int) -> tuple[Sighting, ...]:
    """Return sightings in order, each place once: what comes there again was sent again. A bridge hands on its port's stamp."""
    first: dict[tuple[int, str, bool], Sighting] = {}
    for stamp, each in sorted(found, key=lambda pair: pair[0]):
        first.setdefault((each.place, each.interface, each.is_outgoing), each.replace(time_us=(stamp - began) / 1e3))
    return tuple(first.values())


def packet_socket() -> socket.socket:
    """Return a socket that gets a copy of each packet on each interface, with the time when the kernel saw it: packet(7)."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    with suppress(PermissionError):  # an ordinary user's stays small: what it drops is counted
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    made.setblocking(False)
    return made


def _client(address: Address, sequence: int) -> socket.socket:
    """Return a TCP socket whose first packet will have that sequence number: TCP_REPAIR, which CRIU restores connections by."""
    made = socket.socket(FAMILIES[address.version], socket.SOCK_STREAM)
    made.settimeout(WAIT_SECONDS)
    made.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    made.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE)
    made.setsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ, struct.pack("=I", sequence))
    made.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 0)
    return made


def _connect(client: socket.socket, address: str, port: int) -> Outcome:
    try:
        client.connect((address, port))
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "timeout"
    except OSError:
        return "unreachable"
    return "answered"


def _sightings(watching: socket.socket, place: int, sequence: int) -> Iterator[tuple[int, Sighting]]:
    """Yield what a packet socket has of the packet, each with its time stamp in nanoseconds."""
    while True:
        try:
            data, notes, _, (interface, _, kind, *_) = watching.recvmsg(HEADERS_BYTES, HEADERS_BYTES)
        except BlockingIOError:
            return
        if ends := parse_syn(data, sequence):
            seconds, nanoseconds = struct.unpack("=qq", notes[0][2])
            is_outgoing = kind == socket.PACKET_OUTGOING
            yield seconds * 10**9 + nanoseconds, Sighting(place, interface, is_outgoing, 0, *ends)


def parse_syn(data: bytes, sequence: int) -> tuple[str, str] | None:
    """Return source and destination of an IP packet that asks for a TCP connection with that sequence number; else None."""
    version = data[0] >> 4 if data else 0
    if version == 4 and len(data) >= 20:
        start, protocol, first, last = (data[0] & 15) * 4, data[9], 12, 20
    elif version == 6 and len(data) >= 40:
        start, protocol, first, last = 40, data[6], 8, 40
    else:
        return None
    if protocol != socket.IPPROTO_TCP or len(data) < start + TCP.size:
        return None
    source, destination, number, _, flags = TCP.unpack_from(data, start)
    if number != sequence or flags & (SYN | ACK) != SYN:
        return None
    middle = (first + last) // 2
    ends = (Address(version, int.from_bytes(part, "big")) for part in (data[first:middle], data[middle:last]))
    return joined(str(next(ends)), source), joined(str(next(ends)), destination)
