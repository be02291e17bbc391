"""Layout of the network picture, in inches: containers' boxes on the left, the host's on the right, wires between them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from labcore.lab.messages import say
from labcore.lab.pictures.net_namespaces import HOST, LOOPBACK, Interface, Namespace
from labcore.record import Record
from labcore.spec.network import PortBinding

TOP, HEAD, ROW, PAD, GAP = 0.55, 0.34, 0.2, 0.1, 0.22
LEFT, RIGHT = (0.2, 3.95), (4.85, 8.8)  # both columns' ends
INSET: Final = 0.15  # of a box in a box
MOST, MOST_OTHERS = 8, 4  # interfaces of a container, ports of a bridge, translations; other interfaces of the host

End = tuple[int, int]  # an interface: its namespace's place in the list, its index there


class Row(Record):
    """A line of a box: a name, what there is to it, a remark at the right end. `end` is the interface that it is."""

    y: float
    name: str = ""
    text: str = ""
    remark: str = ""
    end: End | None = None
    is_down: bool = False


class Box(Record):
    """A namespace, a bridge in it, or its translations. `number` tells bridges apart: from 0, and -1 for what is none."""

    left: float
    right: float
    top: float
    bottom: float
    title: str
    remark: str = ""
    rows: tuple[Row, ...] = ()
    number: int = -1

    @property
    def is_inner(self) -> bool:
        """Whether it is inside the host's box."""
        return self.left > RIGHT[0]


class Wire(Record):
    """A veth(4) pair: both its ends, and the number of the bridge that one of them is a port of."""

    start: tuple[float, float]
    end: tuple[float, float]
    number: int
    is_up: bool


class Layout(Record):
    """All that is to be drawn; `bottom` is where it ends. The first box is the host's, the second the first container's."""

    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    bottom: float


class Nat(Record):
    """What the host rewrites: the bridges that are masqueraded, published ports with the addresses that they lead to."""

    masqueraded: tuple[str, ...] = ()
    published: tuple[tuple[PortBinding, str], ...] = ()


def layout(namespaces: Sequence[Namespace], networks: Mapping[str, str], nat: Nat) -> Layout:
    """Return where all of these stand; the first is the host, and `networks` are our networks' names by their bridges."""
    bridges = _bridges(namespaces)
    containers = list(_containers(namespaces))
    host = list(_host(namespaces, bridges, networks, nat))
    boxes = (host[0], *containers, *host[1:])
    return Layout(boxes, tuple(_wires(namespaces, boxes)), max(box.bottom for box in boxes))


# --- the left column


def _containers(namespaces: Sequence[Namespace]) -> Iterator[Box]:
    top = TOP
    for place, one in enumerate(namespaces):
        if place != HOST:
            rows = [*_interfaces(place, one.interfaces), *_ways(one)]
            box = _box(LEFT, top, one.label, _remark(one), rows)
            yield box
            top = box.bottom + GAP


def _box(ends: tuple[float, float], top: float, title: str, remark: str, rows: Sequence[Row], number: int = -1) -> Box:
    """Return a box around rows, which are told where they stand."""
    placed = tuple(row.replace(y=top + HEAD + ROW * (index + 0.5)) for index, row in enumerate(rows))
    return Box(*ends, top, top + HEAD + ROW * len(rows) + PAD, title, remark, placed, number)


def _remark(one: Namespace) -> str:
    return say("network namespace {inode}", inode=one.inode)


def _interfaces(place: int, interfaces: Sequence[Interface], most: int = MOST) -> Iterator[Row]:
    """Yield a row for each interface, and one for each further address; too many are counted."""
    for each in interfaces[:most]:
        first, *others = each.addresses or ("",)
        text = " ".join(filter(None, (first, "" if each.is_up else say("down"))))
        yield Row(0, each.name, text, each.mac_address, (place, each.index), not each.is_up)
        yield from (Row(0, text=address) for address in others)
    if (more := len(interfaces) - most) > 0:
        yield Row(0, remark=say("… {count} more", count=more))


def _ways(one: Namespace) -> Iterator[Row]:
    """Yield the routes by gateways; where there is no default route, that is said."""
    for way in one.ways[:MOST]:
        yield Row(0, "", f"{way.destination or say('default route')} → {way.gateway} {way.interface}")
    if all(way.destination for way in one.ways):
        yield Row(0, "", say("no default route"))


# --- the right column


def _bridges(namespaces: Sequence[Namespace]) -> list[Interface]:
    """Return the host's bridges that have a port which leads here, in the order of the containers."""
    ports = [
        (each.peer, each.bridge) for each in namespaces[HOST].interfaces if each.peer and each.peer[0] != HOST and each.bridge
    ]
    order = [bridge for _, bridge in sorted(ports)]
    found = [each for each in namespaces[HOST].interfaces if each.index in order]
    return sorted(found, key=lambda each: order.index(each.index))


def _host(
    namespaces: Sequence[Namespace], bridges: Sequence[Interface], networks: Mapping[str, str], nat: Nat
) -> Iterator[Box]:
    """Yield the host's box, and those in it: a bridge each, and what is rewritten."""
    host = namespaces[HOST]
    top, ends = TOP + HEAD + PAD / 2, (RIGHT[0] + INSET, RIGHT[1] - INSET)
    inner = []
    for number, bridge in enumerate(bridges):
        rows = [*_own_rows(bridge), *_interfaces(HOST, _ports(host, bridge))]
        name = networks.get(bridge.name, "")
        box = _box(ends, top, bridge.name, say("network {name}", name=name) if name else say("bridge"), rows, number)
        inner.append(box)
        top = box.bottom + GAP / 2
    if nat.masqueraded or nat.published:
        inner.append(_box(ends, top, say("rewritten (nat)"), "nftables", list(_nat(nat))))
        top = inner[-1].bottom + GAP / 2
    rows = [*_interfaces(HOST, _others(host, bridges), MOST_OTHERS), *_ways(host)]
    outer = _box(RIGHT, top - HEAD, "", "", rows)
    yield outer.replace(top=TOP, title=host.label, remark=_remark(host))
    yield from inner


def _own_rows(bridge: Interface) -> Iterator[Row]:
    """Yield a bridge's own addresses, where its ports have their names."""
    for row in _interfaces(HOST, [bridge]):
        yield row.replace(name=row.text, text="", end=None)


def _ports(host: Namespace, bridge: Interface) -> list[Interface]:
    """Return a bridge's ports, those first that lead here, in the order of the containers."""
    ports = [each for each in host.interfaces if each.bridge == bridge.index]
    return sorted(ports, key=lambda each: each.peer or (len(ports) + MOST, each.index))


def _others(host: Namespace, bridges: Sequence[Interface]) -> list[Interface]:
    """Return the host's other interfaces, the most important first: loopback, those of routes, those that lead here."""
    shown = {each.index for each in bridges}
    others = [each for each in host.interfaces if each.index not in shown and each.bridge not in shown]
    used = {way.interface for way in host.ways}

    def weight(each: Interface) -> bool:
        return not (each.name in {LOOPBACK, *used} or (each.peer and each.peer[0] != HOST))

    return sorted(others, key=weight)


def _nat(nat: Nat) -> Iterator[Row]:
    for bridge in nat.masqueraded[:MOST]:
        yield Row(0, text=f"{bridge} → {say('elsewhere')}", remark="masquerade")
    for port, address in nat.published[:MOST]:
        yield Row(0, text=translation(port, address), remark="DNAT")
    if (more := len(nat.published[MOST:]) + len(nat.masqueraded[MOST:])) > 0:
        yield Row(0, remark=say("… {count} more", count=more))


def translation(port: PortBinding, address: str) -> str:
    """Return a published port as text: `0.0.0.0:8080/tcp → 172.30.0.2:80`."""
    return f"{joined(port.host_ip, port.host_port)}/{port.protocol} → {joined(address, port.container_port)}"


def joined(address: str, port: int) -> str:
    """Return an address with a port: one of IPv6 stands in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


# --- between them


def _wires(namespaces: Sequence[Namespace], boxes: Sequence[Box]) -> Iterator[Wire]:
    """Yield a wire for each veth(4) pair both of whose ends are drawn, once."""
    places = {row.end: (box, row) for box in boxes for row in box.rows if row.end}
    for place, one in enumerate(namespaces):
        for each in one.interfaces:
            own, other = (place, each.index), each.peer
            if other is None or other not in places or own not in places or own < other:
                continue
            (box, row), (far, there) = places[own], places[other]
            yield Wire(_socket(box, row), _socket(far, there), far.number, not (row.is_down or there.is_down))


def _socket(box: Box, row: Row) -> tuple[float, float]:
    return (box.right if box.left == LEFT[0] else box.left), row.y
