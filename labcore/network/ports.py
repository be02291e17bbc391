"""Published ports: which are free, held by sockets that are bound, so that neither a container nor another process has them.

Whoever binds a port first has it: the kernel decides, among containers too.
"""

import errno
from collections.abc import Collection, Iterable, Sequence
from socket import (
    AF_INET,
    AF_INET6,
    IPPROTO_IPV6,
    IPV6_V6ONLY,
    SO_REUSEADDR,
    SOCK_DGRAM,
    SOCK_NONBLOCK,
    SOCK_STREAM,
    SOL_SOCKET,
    socket,
)
from typing import Self

from labcore.errors import InvalidInput, PortInUse
from labcore.network.listeners import held_by
from labcore.spec.network import Endpoint, PortBinding, Protocol

IPV6 = "/proc/thread-self/net/if_inet6"  # a table of all addresses
# Where a port is published that is given no address.
ON_ALL = ("0.0.0.0", "::")
PROTOCOLS: dict[str, Protocol] = {"tcp": "tcp", "udp": "udp"}
BACKLOG = 4096  # listen(2) takes net.core.somaxconn, if that is less
EPHEMERAL_TRIES = 100


class BoundPorts:
    """Ports that are bound: a socket for each of `ports`, which have one address and one port each. Use it in a `with`."""

    def __init__(self) -> None:
        self.ports: tuple[PortBinding, ...] = ()
        self.sockets: tuple[socket, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def add(self, ports: Sequence[PortBinding], sockets: Sequence[socket]) -> None:
        """Have further ones."""
        self.ports += tuple(ports)
        self.sockets += tuple(sockets)

    def close(self) -> None:
        """Close our sockets; a port stays bound as long as somebody else has its socket, too."""
        for each in self.sockets:
            each.close()
        self.sockets = ()


def split(wanted: Iterable[PortBinding], routed: Collection[int]) -> tuple[list[PortBinding], list[PortBinding]]:
    """Return the ports that are open at a container's own address, which is routed for these versions of IP; and those to bind.

    The first have no port on the host: 0.
    """
    opened, to_bind = [], []
    for each in wanted if routed else ():
        addresses = _addresses(each)
        to_open = [address for address in addresses if _version(address) in routed]
        opened += [each.replace(host_ip=ON_ALL[":" in address], host_port=0, host_port_last=0) for address in to_open]
        to_bind += [each.replace(host_ip=address) for address in addresses if address not in to_open]
    return (opened, to_bind) if routed else ([], list(wanted))


def bind(wanted: Iterable[PortBinding]) -> BoundPorts:
    """Bind each wanted port, the first of a range that is free, a random one for port 0; all of them or none.

    Raises InUse, which names who has the port, and InvalidInput for an address that this host has not.
    """
    bound = BoundPorts()
    try:
        for each in wanted:
            bound.add(*_bind_first(each))
    except BaseException:
        bound.close()
        raise
    return bound


def on_host(endpoint: Endpoint) -> list[PortBinding]:
    """Return the ports of an endpoint that are bound on the host."""
    return [port for port in endpoint.ports if port.host_port]


def _addresses(wanted: PortBinding) -> list[str]:
    checked_protocol(wanted.protocol)
    return [wanted.host_ip] if wanted.host_ip else [address for address in ON_ALL if address == "0.0.0.0" or has_ipv6()]


def _version(address: str) -> int:
    return 6 if ":" in address else 4


def _bind_first(wanted: PortBinding) -> tuple[list[PortBinding], list[socket]]:
    addresses = _addresses(wanted)
    last = max(wanted.host_port, wanted.host_port_last)
    tries = range(wanted.host_port, last + 1) if wanted.host_port else [0] * EPHEMERAL_TRIES
    refused = OSError(errno.EADDRINUSE, "")
    for port in tries:
        try:
            sockets = _bind_all(wanted.protocol, addresses, port)
        except OSError as error:
            refused = error
            if error.errno != errno.EADDRINUSE:
                break
        else:
            number = sockets[0].getsockname()[1]
            return [wanted.replace(host_ip=each, host_port=number, host_port_last=0) for each in addresses], sockets
    raise _refusal(wanted, refused)


def _bind_all(protocol: str, addresses: Sequence[str], port: int) -> list[socket]:
    """Bind one port on all addresses. Raises OSError, and has bound nothing then."""
    sockets: list[socket] = []
    try:
        for address in addresses:
            sockets.append(_bind_one(protocol, address, port))
            port = sockets[0].getsockname()[1]  # of port 0, what the kernel chose
    except OSError:
        for each in sockets:
            each.close()
        raise
    return sockets


def _bind_one(protocol: str, address: str, port: int) -> socket:
    family, kind = AF_INET6 if ":" in address else AF_INET, SOCK_STREAM if protocol == "tcp" else SOCK_DGRAM
    made = socket(family, kind | SOCK_NONBLOCK)
    try:
        if family == AF_INET6:
            made.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
        if kind == SOCK_STREAM:
            made.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)  # connections that have ended do not matter
        made.bind((address, port))
        if kind == SOCK_STREAM:
            made.listen(BACKLOG)  # from now on no second listener may bind it either
    except OSError:
        made.close()
        raise
    return made


def _refusal(wanted: PortBinding, error: OSError) -> Exception:
    port = f"{wanted.host_port}-{wanted.host_port_last}" if wanted.host_port_last else str(wanted.host_port)
    about = f"port {wanted.host_ip or '*'}:{port}:{wanted.container_port}/{wanted.protocol}"
    if error.errno == errno.EADDRINUSE:
        bound = f"Bind for {wanted.host_ip or '0.0.0.0'}:{port} failed: port is already allocated"  # docker's words
        return PortInUse(f"{bound}: {about}: {_taken(wanted)}: publish another one")
    if error.errno == errno.EADDRNOTAVAIL:
        return InvalidInput(f"{about}: this host has no address {wanted.host_ip}: name one that `ip address` shows")
    if error.errno == errno.EACCES:
        return InvalidInput(f"{about}: ports below net.ipv4.ip_unprivileged_port_start are root's: publish a higher one")
    return InvalidInput(f"{about}: {error.strerror}")


def _taken(wanted: PortBinding) -> str:
    if wanted.host_port_last > wanted.host_port or not wanted.host_port:
        return "none of these is free"
    return f"it is taken{held_by(wanted.protocol, wanted.host_port)}"


def has_ipv6() -> bool:
    """Return whether this host has an address of IPv6: then a port that is given no address is published on `::`, too."""
    try:
        with open(IPV6, encoding="utf-8") as table:  # noqa: PTH123
            return bool(table.readline())
    except FileNotFoundError:
        return False


def checked_protocol(name: str) -> Protocol:
    """Return a protocol whose ports can be published. Raises InvalidInput."""
    if name not in PROTOCOLS:
        raise InvalidInput(f"protocol {name!r:.20}: only ports of tcp and udp can be published")
    return PROTOCOLS[name]


def publish_all(exposed: Iterable[tuple[int, str]], published: Sequence[PortBinding]) -> list[PortBinding]:
    """Return what `-P` publishes beside `published`: each exposed port on a free one of the host's. Raises InvalidInput."""
    already = {(port.container_port, port.protocol) for port in published}
    return [PortBinding(port, checked_protocol(name)) for port, name in sorted(exposed) if (port, name) not in already]
