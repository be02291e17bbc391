"""Ruleset: two nftables tables of one name, `inet` for what is routed and translated, `bridge` against spoofing.

The rules ask sets and maps: a network, a container and a port are elements of them, and cost no packet a further rule. No set
has intervals, for those the kernel copies whole with each change. `accept` ends only our own chain: others' still decide.
"""

from _socket import AF_INET, AF_INET6, inet_ntop, inet_pton

TYPE_CHECKING = False  # `typing` costs 3 ms of each start of a command
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Element = tuple[str, ...]  # the key's fields, then the value's, as nft(8) writes them
    Elements = Mapping[tuple[str, str], Sequence[Element]]  # of each set: its family and name
    Packed = dict[str, dict[str, list[list[bytes]]]]  # by family and set: each element's key, and a map's value

# How the kernel has the fields of a key, each padded to 4 bytes: enum datatypes in nftables' datatype.h.
PACKED: "dict[str, Callable[[str], bytes]]" = {
    "ifname": lambda text: text.encode().ljust(16, b"\0"),
    "ether_addr": lambda text: bytes.fromhex(text.replace(":", "")) + b"\0\0",
    "ipv4_addr": lambda text: inet_pton(AF_INET, text),
    "ipv6_addr": lambda text: inet_pton(AF_INET6, text),
    "inet_proto": lambda text: {"tcp": b"\x06", "udp": b"\x11"}[text] + b"\0\0\0",
    "inet_service": lambda text: int(text).to_bytes(2, "big") + b"\0\0",
    "@th,64,128": lambda text: inet_pton(AF_INET6, text),  # a target address of neighbor discovery, for nft a number
}
SETS = {  # keys, and of a map, values
    ("inet", "bridges"): ("ifname",),
    ("inet", "same"): ("ifname . ifname",),
    ("inet", "icc"): ("ifname",),
    ("inet", "internal"): ("ifname",),
    ("inet", "masqueraded4"): ("ifname",),
    ("inet", "masqueraded6"): ("ifname",),
    ("inet", "gateways4"): ("ipv4_addr",),
    ("inet", "gateways6"): ("ipv6_addr",),
    ("inet", "routed4"): ("ifname",),
    ("inet", "routed6"): ("ifname",),
    ("inet", "unprotected4"): ("ifname",),
    ("inet", "unprotected6"): ("ifname",),
    ("inet", "trusted"): ("ifname . ifname",),
    ("inet", "opened4"): ("ipv4_addr . inet_proto . inet_service",),
    ("inet", "opened6"): ("ipv6_addr . inet_proto . inet_service",),
    ("inet", "published4"): ("inet_proto . ipv4_addr . inet_service", "ipv4_addr . inet_service"),
    ("inet", "published6"): ("inet_proto . ipv6_addr . inet_service", "ipv6_addr . inet_service"),
    ("inet", "published_on_all4"): ("inet_proto . inet_service", "ipv4_addr . inet_service"),
    ("inet", "published_on_all6"): ("inet_proto . inet_service", "ipv6_addr . inet_service"),
    ("bridge", "links"): ("ifname",),
    ("bridge", "addresses4"): ("ifname . ether_addr . ipv4_addr",),
    ("bridge", "addresses6"): ("ifname . ether_addr . ipv6_addr",),
    ("bridge", "targets6"): ("iifname . @th,64,128",),
    ("bridge", "isolated"): ("ifname",),
}
INET = """
    chain raw_prerouting {
        type filter hook prerouting priority raw; policy accept;
        iifname @bridges ip daddr 127.0.0.0/8 drop comment "what route_localnet would let in"
    }
    chain nat_prerouting {
        type nat hook prerouting priority dstnat; policy accept;
        iifname @bridges return comment "a port of a bridge does not take back what it has sent: the proxy answers"
        ip daddr 127.0.0.0/8 return comment "no neighbor may ask for the host's loopback: CVE-2020-8558"
        fib daddr type local goto published
    }
    chain nat_output {
        type nat hook output priority -100; policy accept;
        ip6 daddr ::1 return comment "cannot be routed: the proxy answers"
        fib daddr type local goto published
    }
    chain published {
        ip6 saddr fe80::/10 return comment "cannot be routed: the proxy answers"
        dnat ip to meta l4proto . ip daddr . th dport map @published4
        dnat ip to meta l4proto . th dport map @published_on_all4
        dnat ip6 to meta l4proto . ip6 daddr . th dport map @published6
        dnat ip6 to meta l4proto . th dport map @published_on_all6
    }
    chain nat_postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        iifname . oifname @same return
        meta nfproto ipv4 iifname @masqueraded4 masquerade
        meta nfproto ipv6 iifname @masqueraded6 masquerade
        oifname @bridges ip saddr 127.0.0.0/8 masquerade
        oifname @bridges ip saddr @gateways4 masquerade comment "of another network: its containers would not answer here"
        oifname @bridges ip6 saddr @gateways6 masquerade
    }
    chain filter_forward {
        type filter hook forward priority filter; policy accept;
        oifname @bridges goto to_network
        iifname @internal drop
    }
    chain to_network {
        ct state established,related accept
        iifname . oifname @same goto within
        iifname @internal drop
        oifname @internal drop
        meta nfproto ipv4 oifname @routed4 goto to_routed
        meta nfproto ipv6 oifname @routed6 goto to_routed
        iifname . oifname @trusted jump to_opened
        iifname @bridges drop
        meta nfproto ipv4 oifname @unprotected4 accept
        meta nfproto ipv6 oifname @unprotected6 accept
        ct status dnat accept
        drop
    }
    chain within {
        iifname @icc accept
        drop
    }
    chain to_routed {
        meta l4proto { icmp, icmpv6 } accept
        jump to_opened
        drop
    }
    chain to_opened {
        ip daddr . meta l4proto . th dport @opened4 accept
        ip6 daddr . meta l4proto . th dport @opened6 accept
    }
"""
BRIDGE = """
    chain filter_prerouting {
        type filter hook prerouting priority filter; policy accept;
        iifname @links goto from_container
    }
    chain from_container {
        iifname . ether saddr . ip saddr @addresses4 accept
        iifname . ether saddr . arp saddr ip @addresses4 accept
        iifname . ether saddr . ip6 saddr @addresses6 goto from_container6
        drop
    }
    chain from_container6 {
        icmpv6 type { nd-router-solicit, nd-router-advert, nd-redirect } drop
        icmpv6 type { nd-neighbor-advert } iifname . @th,64,128 != @targets6 drop
        icmpv6 type { nd-neighbor-solicit } ip6 saddr :: iifname . @th,64,128 != @targets6 drop
    }
    chain filter_forward {
        type filter hook forward priority filter; policy accept;
        iifname @isolated oifname @isolated drop comment "enable_icc=false"
    }
"""


FIELDS = {key: [types.replace("iifname", "ifname").split(" . ") for types in both] for key, both in SETS.items()}


def declare(table: str, elements: "Elements") -> str:
    """Return the commands that make both tables anew, with their elements."""
    return "".join(
        f"table {family} {table}\ndelete table {family} {table}\ntable {family} {table} {{\n"
        + "".join(_declare_set(key, elements.get(key, ())) for key in SETS if key[0] == family)
        + f"{chains}}}\n"
        for family, chains in (("inet", INET), ("bridge", BRIDGE))
    )


def _declare_set(key: tuple[str, str], elements: "Sequence[Element]") -> str:
    types = SETS[key]
    word = "typeof" if "@" in types[0] else "type"
    listed = f"elements = {{ {', '.join(_written(FIELDS[key], element) for element in elements)} }}" if elements else ""
    return f"    {'map' if len(types) > 1 else 'set'} {key[1]} {{ {word} {' : '.join(types)}; {listed} }}\n"


def _written(kinds: list[list[str]], element: "Element") -> str:
    return " : ".join(" . ".join(map(_word, part, fields)) for part, fields in _sides(kinds, element))


def _word(kind: str, field: str) -> str:
    return f"0x{PACKED[kind](field).hex()}" if kind.startswith("@") else f'"{field}"' if kind == "ifname" else field


def _sides(kinds: list[list[str]], element: "Element") -> "Iterator[tuple[list[str], Element]]":
    """Yield the key's fields with their kinds, and a map's value's."""
    for part in kinds:
        yield part, element[: len(part)]
        element = element[len(part) :]


def pack(elements: "Elements") -> "Packed":
    """Return the elements as the kernel has them, by family and set."""
    packed: Packed = {}
    for (family, name), those in elements.items():
        kinds = FIELDS[family, name]
        packed.setdefault(family, {})[name] = [
            [b"".join([PACKED[kind](field) for kind, field in zip(*side, strict=True)]) for side in _sides(kinds, element)]
            for element in those
        ]
    return packed


# The same backwards, of what the sets of table `inet` have: how many bytes a field takes, and how it is written.
UNPACKED: "dict[str, tuple[int, Callable[[bytes], str]]]" = {
    "ifname": (16, lambda data: data.rstrip(b"\0").decode()),
    "ipv4_addr": (4, lambda data: inet_ntop(AF_INET, data)),
    "ipv6_addr": (16, lambda data: inet_ntop(AF_INET6, data)),
    "inet_proto": (4, lambda data: {6: "tcp", 17: "udp"}[data[0]]),
    "inet_service": (4, lambda data: str(int.from_bytes(data[:2], "big"))),
}


def unpack(key: tuple[str, str], element: "Sequence[bytes]") -> "Element":
    """Return an element of a set of table `inet` as nft(8) writes it; `element` are its key, and a map's value."""
    fields = []
    for kinds, data in zip(FIELDS[key], element, strict=True):
        start = 0
        for kind in kinds:
            size, written = UNPACKED[kind]
            fields.append(written(data[start : start + size]))
            start += size
    return tuple(fields)
