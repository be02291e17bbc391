"""Addresses and prefixes of IPv4 and IPv6 as numbers: `172.18.0.2/16`. Light: `ipaddress` costs 3 ms of each start."""

from _socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from labcore.errors import InvalidInput
from labcore.record import Record

BITS = {4: 32, 6: 128}
FAMILIES = {4: AF_INET, 6: AF_INET6}


class Address(Record):
    """One address of a version, 4 or 6."""

    version: int
    number: int

    def __str__(self) -> str:
        return inet_ntop(FAMILIES[self.version], self.packed)

    @property
    def packed(self) -> bytes:
        """The address as it stands in packets and netlink messages."""
        return self.number.to_bytes(BITS[self.version] // 8, "big")


class Prefix(Record):
    """All addresses that begin with the same bits; `length` is how many."""

    version: int
    number: int
    length: int

    def __str__(self) -> str:
        return f"{Address(self.version, self.number)}/{self.length}"

    @property
    def last(self) -> int:
        """The number of the last address; that of the first is `number`."""
        return self.number + (1 << BITS[self.version] - self.length) - 1

    def overlaps(self, other: "Prefix") -> bool:
        """Return whether any address is in both."""
        return self.version == other.version and self.number <= other.last and other.number <= self.last

    def covers(self, other: "Prefix") -> bool:
        """Return whether all addresses of another are in it."""
        return self.version == other.version and self.number <= other.number and other.last <= self.last

    def has(self, address: Address) -> bool:
        """Return whether an address is in it."""
        return self.version == address.version and self.number <= address.number <= self.last


def parse_address(text: str) -> Address:
    """Read an address; one with a prefix (`172.18.0.2/16`) loses that. Raises InvalidInput."""
    version = 6 if ":" in text else 4
    try:
        return Address(version, int.from_bytes(inet_pton(FAMILIES[version], text.partition("/")[0]), "big"))
    except (OSError, ValueError):
        raise InvalidInput(f"{text!r:.80} is no address: write it as 172.30.0.2 or fd00:1::2") from None


def parse_prefix(text: str) -> Prefix:
    """Read a subnet or a range; an address without a length is one of its own. Raises InvalidInput."""
    address = parse_address(text)
    bits = BITS[address.version]
    digits = text.partition("/")[2] or str(bits)
    if not (digits.isascii() and digits.isdigit() and int(digits) <= bits):
        raise InvalidInput(f"{text!r:.80} is no subnet: write it as 172.30.0.0/16 or fd00:1::/64")
    length = int(digits)
    return Prefix(address.version, address.number >> bits - length << bits - length, length)


def mac_of(address: Address) -> str:
    """Return the MAC address of whoever has this address.

    It is the same whenever the address is given out again, so that no neighbour's cache is wrong. Locally administered.
    """
    return ":".join(f"{byte:02x}" for byte in (0x02, 0x42, *address.packed[-4:]))
