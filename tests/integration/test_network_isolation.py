"""Attacks of containers and of a host's neighbors: each succeeds without the rule that is against it, and fails with it."""

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from labcore.network.firewall import link_local
from labcore.spec.network import PortBinding
from tests.conftest import needs, needs_root
from tests.frames import BROADCAST, arp_reply, neighbor_advert, router_advert, send, udp4, udp6
from tests.network import Namespace
from tests.network_rig import HOST, NEIGHBOR, Rig, rig

GATEWAY, GATEWAY6 = "172.30.1.1", "fd00:1::1"
WAIT_SECONDS = 0.5
HEARD_SECONDS = 0.5
LOOPBACK_PORT = 7001
Attack = Callable[["Stage"], bool]


class Stage:
    """A victim and an attacker on one network, a bystander on another."""

    def __init__(self, made: Rig) -> None:
        self.rig = made
        first = made.network("first", "172.30.1.0/24", "fd00:1::/64")
        published = [PortBinding(80, "udp", "127.0.0.1", 8081), PortBinding(80, "udp", "0.0.0.0", 8080)]
        self.victim = made.container("victim", first, *published, serve=False)
        self.attacker = made.container("attacker", first, serve=False)
        self.other = made.container("other", made.network("other", "172.30.2.0/24"), serve=False)
        self.alone = made.container("alone", made.network("alone", "172.30.3.0/24", internal=True), serve=False)
        self.victim.set("net.ipv4.neigh.eth0.locktime=0")  # it believes what it hears at once
        self.bridge_mac = mac_of(made.host, "br1")

    def without(self, *rules: str) -> None:
        """Take rules away: their family, chain and a part of their text."""
        for rule in rules:
            family, chain, text = rule.split(":")
            listed = self.rig.host("nft", "-a", "list", "chain", family, "labcore", chain)
            handles = [line.rpartition(" ")[2] for line in listed.splitlines() if text in line and "# handle" in line]
            assert handles, (rule, listed)
            for handle in handles:
                self.rig.host("nft", "delete", "rule", family, "labcore", chain, "handle", handle)


def mac_of(place: Namespace, interface: str) -> str:
    return place("ip", "-brief", "link", "show", interface).split()[2]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    needs_root()
    needs("nft", "ip", "nsenter")
    with rig(tmp_path_factory.mktemp("network")) as made:
        yield Stage(made)


def receives(place: Namespace, address: str, port: int, attack: Callable[[], None]) -> bool:
    """Return whether a datagram arrives at a port while somebody attacks."""
    with place.entered():
        server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    with server:
        server.bind((address, port))
        server.settimeout(WAIT_SECONDS)
        attack()
        try:
            return server.recv(100) == b"spoofed"
        except TimeoutError:
            return False


def neighbor_entry(place: Namespace, address: str) -> str:
    """Return the MAC address that a host believes an address to be at."""
    fields = place("ip", "neigh", "show", address).split()
    return fields[fields.index("lladdr") + 1] if "lladdr" in fields else ""


def soon(condition: Callable[[], bool]) -> bool:
    """Return whether something comes to pass; the kernel hears a frame at once, where it has a processor."""
    deadline = time.monotonic() + HEARD_SECONDS
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def believes(stage: Stage, address: str, frame: bytes) -> bool:
    """Return whether the victim, who knows an address, changes its mind."""
    kind = "-6" if ":" in address else "-4"
    stage.victim("ip", kind, "neigh", "replace", address, "lladdr", stage.bridge_mac, "dev", "eth0", "nud", "stale")
    send(stage.attacker, frame)
    return soon(lambda: neighbor_entry(stage.victim, address) == stage.attacker.endpoint.mac_address)


def spoofed_arp(stage: Stage) -> bool:
    mine, its = stage.attacker.endpoint.mac_address, stage.victim.endpoint.mac_address
    return believes(stage, GATEWAY, arp_reply(its, mine, GATEWAY, mine, stage.victim.ipv4))


def spoofed_neighbor_advert(stage: Stage) -> bool:
    mine, its = stage.attacker.endpoint.mac_address, stage.victim.endpoint.mac_address
    frame = neighbor_advert((its, mine), stage.attacker.ipv6, stage.victim.ipv6, GATEWAY6, mine)
    return believes(stage, GATEWAY6, frame)


def taken_address(stage: Stage) -> bool:
    """Take an address that nobody has yet, as an administrator would, and answer who asks for it."""
    wanted = "172.30.1.77"
    stage.attacker.ip(f"address add {wanted}/24 dev eth0")
    try:
        return receives(stage.attacker, wanted, 5353, lambda: datagram(stage.rig.host, wanted, 5353))
    finally:
        stage.attacker.ip(f"address del {wanted}/24 dev eth0")
        stage.rig.host("ip", "neigh", "flush", "all")


def spoofed_source(stage: Stage) -> bool:
    macs = (stage.victim.endpoint.mac_address, stage.attacker.endpoint.mac_address)
    frame = udp4(macs, GATEWAY, stage.victim.ipv4, 5353)
    return receives(stage.victim, "0.0.0.0", 5353, lambda: send(stage.attacker, frame))


def spoofed_source6(stage: Stage) -> bool:
    macs = (stage.victim.endpoint.mac_address, stage.attacker.endpoint.mac_address)
    frame = udp6(macs, GATEWAY6, stage.victim.ipv6, 5353)
    return receives(stage.victim, "::", 5353, lambda: send(stage.attacker, frame))


def spoofed_source_outside(stage: Stage) -> bool:
    """Send to the host's neighbor in somebody else's name."""
    frame = udp4((stage.bridge_mac, stage.attacker.endpoint.mac_address), "203.0.113.9", NEIGHBOR, 5353)
    return receives(stage.rig.neighbor, "0.0.0.0", 5353, lambda: send(stage.attacker, frame))


def spoofed_mac(stage: Stage) -> bool:
    """Have the bridge believe that the victim is where the attacker is."""
    its = stage.victim.endpoint.mac_address
    send(stage.attacker, udp4((BROADCAST, its), stage.attacker.ipv4, "255.255.255.255", 9))
    entries = stage.rig.host("bridge", "fdb", "show", "br", "br1", "dynamic").splitlines()
    datagram(stage.victim, GATEWAY, 9)  # and now the bridge knows again
    return any(its in line and stage.attacker.endpoint.host_link in line for line in entries)


def spoofed_router_advert(stage: Stage) -> bool:
    mine = stage.attacker.endpoint.mac_address
    stage.victim.set("net.ipv6.conf.eth0.accept_ra=2")
    send(stage.attacker, router_advert(mine, link_local(mine)))
    return soon(lambda: "proto ra" in stage.victim("ip", "-6", "route", "show", "default"))


def duplicate_address(stage: Stage) -> bool:
    """Answer the victim's question whether an address that it wants is free: it is mine."""
    mine, wanted = stage.attacker.endpoint.mac_address, "fd00:1::99"
    stage.victim.set("net.ipv6.conf.eth0.dad_transmits=1")
    stage.victim.ip(f"address add {wanted}/64 dev eth0")
    try:
        frame = neighbor_advert(("33:33:00:00:00:01", mine), stage.attacker.ipv6, "ff02::1", wanted, mine)
        send(stage.attacker, frame)
        return soon(lambda: "dadfailed" in stage.victim("ip", "-6", "address", "show", "dev", "eth0"))
    finally:
        stage.victim.ip(f"address del {wanted}/64 dev eth0")


def host_loopback(stage: Stage) -> bool:
    """Ask a service that listens on the host's loopback only; the bridge has route_localnet."""
    frame = udp4((stage.bridge_mac, stage.attacker.endpoint.mac_address), stage.attacker.ipv4, "127.0.0.1", LOOPBACK_PORT)
    return receives(stage.rig.host, "127.0.0.1", LOOPBACK_PORT, lambda: send(stage.attacker, frame))


def published_on_loopback(stage: Stage) -> bool:
    """Ask, as a neighbor of the host, for what is published on 127.0.0.1: CVE-2020-8558."""
    macs = (mac_of(stage.rig.host, "eth0"), mac_of(stage.rig.neighbor, "eth0"))
    frame = udp4(macs, NEIGHBOR, "127.0.0.1", 8081)
    return receives(stage.victim, "0.0.0.0", 80, lambda: send(stage.rig.neighbor, frame))


def direct_route(stage: Stage) -> bool:
    """Ask, as a neighbor of the host, for a container's own address."""
    return answers(stage.rig.neighbor, stage.victim, f"{stage.victim.ipv4}/32", f"via {HOST}")


def other_network(stage: Stage) -> bool:
    return answers(stage.attacker, stage.other, f"{stage.other.ipv4}/32", f"via {GATEWAY}")


def leaving_internal(stage: Stage) -> bool:
    """Leave an internal network by a route that a container has given itself."""
    return answers(stage.alone, stage.rig.neighbor, f"{NEIGHBOR}/32", "via 172.30.3.1")


def entering_internal(stage: Stage) -> bool:
    return answers(stage.attacker, stage.alone, f"{stage.alone.ipv4}/32", f"via {GATEWAY}")


def answers(asker: Namespace, asked: Namespace, route: str, via: str) -> bool:
    """Return whether a datagram arrives where a route says."""
    asker.ip(f"route add {route} {via}")
    try:
        return receives(asked, "0.0.0.0", 82, lambda: datagram(asker, route.partition("/")[0], 82))
    finally:
        asker.ip(f"route del {route} {via}")


def datagram(place: Namespace, address: str, port: int) -> None:
    with place.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"spoofed", (address, port))


SPOOFING = "bridge:filter_prerouting:@links"
ATTACKS: list[tuple[Attack, tuple[str, ...]]] = [
    (spoofed_arp, (SPOOFING,)),
    (taken_address, (SPOOFING,)),
    (spoofed_source, (SPOOFING,)),
    (spoofed_source6, (SPOOFING,)),
    (spoofed_source_outside, (SPOOFING,)),
    (spoofed_mac, (SPOOFING,)),
    (spoofed_neighbor_advert, ("bridge:from_container6:nd-neighbor-advert",)),
    (spoofed_router_advert, ("bridge:from_container6:nd-router-advert",)),
    (duplicate_address, ("bridge:from_container6:nd-neighbor-advert",)),
    (host_loopback, ("inet:raw_prerouting:daddr",)),
    (published_on_loopback, ("inet:nat_prerouting:127.0.0.0/8",)),
    (direct_route, ("inet:to_network:drop",)),
    (other_network, ("inet:to_network:drop",)),
    (leaving_internal, ("inet:filter_forward:@internal",)),
    (entering_internal, ("inet:to_network:drop",)),
]


@pytest.mark.parametrize(("attack", "rules"), ATTACKS, ids=lambda value: getattr(value, "__name__", ""))
def test_an_attack_fails_and_without_its_rule_succeeds(stage: Stage, attack: Attack, rules: tuple[str, ...]) -> None:
    assert not attack(stage)
    stage.without(*rules)
    try:
        assert attack(stage)
    finally:
        with stage.rig.host.entered():
            stage.rig.firewall.restore()
