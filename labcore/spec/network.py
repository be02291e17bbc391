"""Networks, endpoints and published ports, in the Engine API's terms: NetworkCreate, EndpointSettings, PortMap."""

from __future__ import annotations

from labcore.errors import InvalidInput
from labcore.record import Record
from labcore.spec.addresses import parse_address, parse_prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal, TypeAlias


Protocol: TypeAlias = "Literal['tcp', 'udp']"
LINK_LOCAL: Final = ("169.254.0.0/16", "fe80::/10")  # RFC 3927, RFC 4291
PREDEFINED: Final = {"bridge": "bridge", "host": "host", "none": "null"}  # the networks that are always there -> driver


class AddressPool(Record):
    """One pool of a network (IPAM.Config): addresses are given out of `ip_range`, or else of the whole `subnet`.

    `gateway` empty: the subnet's first address; `is_gateway_drawn`: nobody has asked for it. `auxiliary` are names and
    addresses that nobody else gets. `is_drawn`: nobody has asked for this subnet, and so no container may ask for an address
    in it.
    """

    subnet: str
    ip_range: str = ""
    gateway: str = ""
    auxiliary: tuple[tuple[str, str], ...] = ()
    is_drawn: bool = False
    is_gateway_drawn: bool = False

    def __post_init__(self) -> None:
        subnet = parse_prefix(self.subnet)
        if parse_address(self.subnet).number != subnet.number:
            raise InvalidInput(f"subnet {self.subnet}: write it as {subnet}")
        if self.ip_range and not subnet.covers(parse_prefix(self.ip_range)):
            raise InvalidInput(f"ip-range {self.ip_range}: it is not inside the subnet {self.subnet}")
        for word, text in (("gateway", self.gateway), *self.auxiliary):
            if text and not subnet.has(parse_address(text)):
                raise InvalidInput(f"{word} {text}: it is not inside the subnet {self.subnet}")


class NetworkOptions(Record):
    """What a caller wants of a network: `docker network create`'s options. Pools that are not named are chosen."""

    name: str
    driver: str = "bridge"
    pools: tuple[AddressPool, ...] = ()
    ipv4: bool = True
    ipv6: bool = False
    internal: bool = False
    attachable: bool = False
    options: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    ipam_options: tuple[tuple[str, str], ...] | None = None


class Network(Record):
    """A network that there is: what was wanted, with its pools chosen and gateways filled in.

    `id` is 64 hexadecimal digits, `created` RFC 3339's time, `bridge` the name of its link on the host: one that was there
    before `is_adopted`, and stays. `unused_pools` are those of an IP version that it does not have: they are only shown.
    """

    id: str
    created: str
    bridge: str
    wanted: NetworkOptions
    is_adopted: bool = False
    unused_pools: tuple[AddressPool, ...] = ()

    def __str__(self) -> str:
        return f"network {self.wanted.name}"


class EndpointOptions(Record):
    """How a container wants to be connected to a network (EndpointSettings): `--network name=…,ip=…,alias=…`.

    `network` is a name or an ID. `links` are containers' names or IDs, each with an alias. Of several networks the one with the
    highest `priority` has the default route (GwPriority), then the first by name. `link_local` are addresses that the interface
    has besides (LinkLocalIPs).
    """

    network: str
    ipv4: str = ""
    ipv6: str = ""
    mac_address: str = ""
    aliases: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    driver_options: tuple[tuple[str, str], ...] = ()
    priority: int = 0
    link_local: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in self.link_local:
            if not _is_link_local(text):
                raise InvalidInput(f"invalid link-local IP address: {text:.80}: it is one of {' or '.join(LINK_LOCAL)}")
        for version, text in ((4, self.ipv4), (6, self.ipv6)):
            if text and not _is_address(text, version):
                raise InvalidInput(f"ip {text!r}: it is no address of IPv{version}")
        if self.mac_address and not _is_mac_address(self.mac_address):
            raise InvalidInput(f"mac-address {self.mac_address!r:.80}: write a unicast address as 02:42:ac:11:00:02")


def _is_address(text: str, version: int) -> bool:
    try:
        return "/" not in text and parse_address(text).version == version
    except InvalidInput:
        return False


def _is_link_local(text: str) -> bool:
    prefixes = map(parse_prefix, LINK_LOCAL)
    return any(_is_address(text, each.version) and each.has(parse_address(text)) for each in prefixes)


def _is_mac_address(text: str) -> bool:
    from re import fullmatch

    return bool(fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", text)) and not int(text[:2], 16) & 1 and text.strip("0:") != ""


class PortBinding(Record):
    """A port of the container that is published on the host (PortMap).

    `host_ip` empty: on all addresses of both families. `host_port` 0: the kernel's ephemeral range has a free one. A range,
    `host_port` to `host_port_last`: the first that is free.
    """

    container_port: int
    protocol: Protocol = "tcp"
    host_ip: str = ""
    host_port: int = 0
    host_port_last: int = 0

    def __post_init__(self) -> None:
        for number in (self.container_port, self.host_port or 1, self.host_port_last or 1):
            if not 0 < number < 1 << 16:
                raise InvalidInput(f"port {number}: ports go from 1 to 65535")
        if self.host_ip and not (_is_address(self.host_ip, 4) or _is_address(self.host_ip, 6)):
            raise InvalidInput(f"port {self.host_ip}:…: {self.host_ip!r} is no address")


class Endpoint(Record):
    """A container's place on a network: reserved on disk before its process is there, then attached to its namespace.

    `owner` is the container's ID, or whatever else whoever asked is known by. `host_link` is the end of the veth(4) pair on the
    bridge; `interface` the other's name inside (`eth0`). Addresses carry their prefix: `172.18.0.2/16`. `names` are those that
    others on the network resolve. `ports` are bound to one address and one port each; one whose `host_port` is 0 is open at the
    container's own address alone.
    """

    id: str
    network_id: str
    owner: str
    host_link: str
    interface: str
    mac_address: str
    wanted: EndpointOptions
    ipv4: str = ""
    ipv6: str = ""
    ipv4_gateway: str = ""
    ipv6_gateway: str = ""
    names: tuple[str, ...] = ()
    ports: tuple[PortBinding, ...] = ()

    def link_local(self, version: int) -> tuple[str, ...]:
        """Return the link-local addresses of a version that it has besides, unless it has none at all of that version."""
        if not (self.ipv4 if version == 4 else self.ipv6):
            return ()
        return tuple(text for text in self.wanted.link_local if parse_address(text).version == version)
