"""DNS answers (RFC 1035) out of a zone, and the wire form of those that come up again and again."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.reversename
import dns.rrset

from labcore.network.resolver.zone import Zone

TTL_SECONDS: Final = 600  # docker's
ID_BYTES: Final = 2  # of the header, before all that two equal questions have in common
HEADER_BYTES: Final = 12
UDP_BYTES: Final = 512  # without EDNS
CACHED: Final = 4096
ROTATIONS: Final = 4  # of the addresses of a name that several containers have
_FAILURES: Final = (dns.exception.DNSException, ValueError)
Message = dns.message.Message


class Answers:
    """Answers of one version of the zone."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._cache: dict[tuple[str, bytes], tuple[bytes, ...]] = {}
        self._turn = 0

    def answer(self, owner: str, question: bytes, *, is_tcp: bool = False) -> bytes | None:
        """Return the answer to a question as it came; None if it is not about our names, and others are to be asked.

        What is no question, is answered with FORMERR, or not at all: then the answer is empty.
        """
        key = owner, question[ID_BYTES:]
        if not is_tcp and (known := self._cache.get(key)) is not None:
            self._turn += 1
            return question[:ID_BYTES] + known[self._turn % len(known)]
        query = parsed(question)
        if query is None:
            return malformed(question)
        found = self._found(owner, query.question[0])
        if found is None:
            return None
        wires = tuple(to_wire(self._response(query, each), query, is_tcp=is_tcp)[ID_BYTES:] for each in _rotations(found))
        if not is_tcp and len(self._cache) < CACHED:
            self._cache[key] = wires
        return question[:ID_BYTES] + wires[0]

    def _response(self, query: Message, found: Sequence[str]) -> Message:
        response = dns.message.make_response(query, recursion_available=True)
        if found:
            asked = query.question[0]
            response.answer.append(dns.rrset.from_text_list(asked.name, TTL_SECONDS, "IN", asked.rdtype, found))
        return response

    def _found(self, owner: str, asked: dns.rrset.RRset) -> Sequence[str] | None:
        """Return the records; none for other types of a name that is ours, which has nothing else."""
        if asked.rdclass != dns.rdataclass.IN:
            return None
        if asked.rdtype == dns.rdatatype.PTR:
            return self._pointers(owner, asked)
        found = self._zone.resolve(owner, b".".join(asked.name.labels).decode(errors="replace"))
        kinds = {} if found is None else {dns.rdatatype.A: found.ipv4, dns.rdatatype.AAAA: found.ipv6}
        return None if found is None else kinds.get(asked.rdtype, ())

    def _pointers(self, owner: str, asked: dns.rrset.RRset) -> list[str] | None:
        try:
            address = str(ip_address(dns.reversename.to_address(asked.name)))
        except _FAILURES:
            return None
        name = self._zone.reverse(owner, address)
        return None if name is None else _absolute(name)


def _absolute(name: str) -> list[str]:
    """Return a name in DNS's notation, in which blanks are escaped; none for what cannot be a name there."""
    labels = [label.encode() for label in name.split(".") if label]
    try:
        return [dns.name.Name((*labels, b"")).to_text()]
    except dns.exception.DNSException:
        return []


def _rotations(found: Sequence[str]) -> list[Sequence[str]]:
    """Return the records with another one first each time: clients take the first."""
    return [(*found[first:], *found[:first]) for first in range(min(len(found), ROTATIONS))] or [found]


def parsed(question: bytes) -> Message | None:
    """Return a query with one question; None for all else."""
    try:
        query = dns.message.from_wire(question, ignore_trailing=False)
    except _FAILURES:
        return None
    is_query = not query.flags & dns.flags.QR and query.opcode() == dns.opcode.QUERY
    return query if is_query and len(query.question) == 1 else None


def malformed(question: bytes) -> bytes:
    """Return FORMERR for a question that cannot be read; nothing for what may be an answer: two would answer for ever."""
    if len(question) < HEADER_BYTES or question[2] & 0x80:
        return b""
    return question[:ID_BYTES] + bytes((0x80 | question[2] & 0x79, dns.rcode.FORMERR)) + bytes(HEADER_BYTES - 4)


def failure(query: Message, code: dns.rcode.Rcode) -> bytes:
    """Return a response that says only how it went."""
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(code)
    return response.to_wire()


def to_wire(response: Message, query: Message, *, is_tcp: bool) -> bytes:
    """Return the bytes; what is too long for UDP has the TC bit, and the client asks again by TCP."""
    room = 65535 if is_tcp else max(UDP_BYTES, query.payload)
    try:
        return response.to_wire(max_size=room, want_shuffle=False)  # the addresses take turns as it is
    except dns.exception.TooBig:
        short = dns.message.make_response(query, recursion_available=True)
        short.flags |= dns.flags.TC
        return short.to_wire()
