"""Claims about a container's network, as the kernel has it: links, addresses, routes; and who answers there."""

import os
import socket
import time
from collections.abc import Iterator
from functools import partial
from typing import Final

from labcore import native
from labcore.lab.checks.process_view import ProcessView, descendants
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.ip_route import ip
from labcore.lab.messages import say
from labcore.network import in_namespace, namespace_of
from labcore.network.links import Link
from labcore.network.tables import Tables, read_tables
from labcore.spec.addresses import parse_address, parse_prefix

BRIDGE: Final = "lab0"
GATEWAY: Final = "10.7.0.1"
SUBNET: Final = parse_prefix(f"{GATEWAY}/24")
INTERFACE: Final = "eth0"
LOOPBACK: Final = "127.0.0.1"
ANSWER_SECONDS: Final = 3.0
POLL_SECONDS: Final = 0.02


def enter_a_machine() -> None:
    """Enter a network namespace that stands for the machine: what goes wrong in it is no harm, and its ports are all free."""
    native.unshare(native.CloneFlag.NEWNET)
    ip(os.getpid()).set_up("lo")


def lab_host() -> "NetworkView":
    """Return the network of the sandbox's lab host, that of the `cat` below this process; an empty one if there is none."""
    return NetworkView(next((each.pid for each in descendants(os.getpid()) if each.command == ["cat"]), None))


class NetworkView:
    """What a process's network namespace holds, and connections from it."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self.tables = Tables((), (), (), ())
        if pid is not None:
            with namespace_of(pid) as namespace:
                self.tables = in_namespace(namespace, read_tables)

    def link(self, name: str) -> Link:
        """Return a link; one with the index 0 if there is none of that name."""
        return next((link for link in self.tables.links if link.name == name), Link(0, name))

    @property
    def names(self) -> list[str]:
        """The names of all links."""
        return [link.name for link in self.tables.links]

    def addresses(self, name: str) -> list[str]:
        """Return a link's addresses of IPv4, with their prefixes."""
        index = self.link(name).index
        return [text for link, text in self.tables.addresses if link == index and ":" not in text]

    @property
    def gateways(self) -> list[str]:
        """The gateways of its default routes."""
        return [route.gateway for route in self.tables.routes if route.is_default]

    def connect(self, address: str, port: int) -> socket.socket:
        """Return a TCP connection that was made from there. Raises OSError."""
        if self._pid is None:
            raise ProcessLookupError
        with namespace_of(self._pid) as namespace:
            return in_namespace(namespace, partial(socket.create_connection, (address, port), timeout=ANSWER_SECONDS))

    def hears(self, address: str, port: int) -> str:
        """Return what is said to whoever connects, once somebody listens; empty if nobody does."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                with self.connect(address, port) as connection:
                    if said := connection.recv(1 << 10):
                        return said.decode(errors="replace").strip()
            except OSError:
                pass
            if time.monotonic() > deadline:
                return ""
            time.sleep(POLL_SECONDS)


def has_bridge(host: NetworkView) -> Iterator[Claim]:
    """The bridge, with its address."""
    found = host.link(BRIDGE)
    yield Claim(
        say("there is a bridge {name} in the host's network", name=BRIDGE), found.kind == "bridge", " ".join(host.names)
    )
    yield equal(say("the addresses of {name}", name=BRIDGE), f"{GATEWAY}/24", " ".join(host.addresses(BRIDGE)))
    yield Claim(say("{name} is up", name=BRIDGE), found.is_up, say("down"))


def connected(seen: ProcessView) -> Iterator[Claim]:
    """A cable from the bridge of the lab host: both its ends, the address, the route."""
    own, host = NetworkView(seen.pid), lab_host()
    end = own.link(INTERFACE)
    text = say("{name} is in the container's network, one end of a veth pair", name=INTERFACE)
    yield Claim(text, end.kind == "veth", " ".join(own.names))
    for name in ("lo", INTERFACE):
        yield Claim(say("{name} of the container is up", name=name), own.link(name).is_up, say("down"))
    addresses = own.addresses(INTERFACE)
    fits = len(addresses) == 1 and SUBNET.has(parse_address(addresses[0])) and addresses[0].endswith("/24")
    yield Claim(say("it has one address, of the network {subnet}", subnet=SUBNET), fits, " ".join(addresses) or say("none"))
    yield equal(say("gateway of its default route"), GATEWAY, " ".join(own.gateways))
    other = next((link for link in host.tables.links if link.index == end.peer and link.kind == "veth"), Link(0, ""))
    text = say("the other end is a port of {bridge}, in the host's network", bridge=BRIDGE)
    yield Claim(text, bool(other.master) and other.master == host.link(BRIDGE).index, " ".join(host.names))
    yield Claim(say("and it is up"), other.is_up, say("down"))
    left = [name for name in host.names if name not in ("lo", BRIDGE) and not host.link(name).master]
    yield Claim(say("no end is left over"), not left, " ".join(left))


def machine_is_left_alone(seen: ProcessView) -> Claim:
    """The machine's own network has what it had before."""
    others = [name for name in NetworkView(seen.parent.pid).names if name != "lo"]
    return Claim(say("nothing was added to the machine's own network"), not others, " ".join(others))
