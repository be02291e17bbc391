"""Packet picture: the way of one packet through network namespaces, row by row as it was seen, and what was rewritten."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from matplotlib.axes import Axes

from labcore import procfs
from labcore.engine import Engine
from labcore.errors import InvalidInput
from labcore.lab.messages import say
from labcore.lab.pictures import net_namespaces, packet_trace
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.net_namespaces import LOOPBACK, Container, Namespace, Open
from labcore.lab.pictures.net_owners import Owner, owned
from labcore.lab.pictures.packet_trace import Sighting, Trace
from labcore.lab.pictures.style import (
    GONE,
    HERE,
    INK,
    LINE,
    MUTED,
    NEW,
    NORMAL,
    OWN,
    PANEL,
    SMALL,
    TITLE,
    WIDTH,
    Picture,
    box,
    breadth,
    canvas,
    listed,
    sentences,
    shorten,
    write,
)
from labcore.language import cells
from labcore.record import Record
from labcore.spec.addresses import parse_address, parse_prefix

HOST: Final = "host"
MOST: Final = 4  # namespaces
TOP, ROW, BOX = 0.98, 0.5, 0.28  # inches
LANES, ENDS, RIGHT = 0.95, 5.65, 8.8  # where the namespaces' columns and that of the addresses begin; where that ends


class Step(Record):
    """A row: where the packet was seen (None: what the program asked for), between whom, and what was rewritten there."""

    sighting: Sighting | None
    place: int
    source: str
    destination: str
    time_us: float = 0
    source_by: str = ""
    destination_by: str = ""


@house_style()
def packet(
    source: Container,
    destination: Container,
    port: int,
    *,
    watch: Sequence[Container] = (),
    labels: Sequence[str] | None = None,
    of: Owner | None = None,
) -> Picture:
    """Send one packet, the first of a TCP connection, and draw its way: where it was seen, and what was rewritten.

    `source` is a container or "host", `destination` a container, "host" or an address. It is looked for on the host, in both,
    in all that labcore's bridges connect, and in what `watch` names. `labels` stand in place of these containers' names; whose
    they are says `of`, as in `network`.
    Raises InvalidInput, NotFound, Unavailable.
    """
    engine, host, connected = owned(of)
    if not 0 < port < 1 << 16:
        raise InvalidInput(say("port {port}: ports go from 1 to 65535", port=port))
    given = [each for each in (source, destination, *watch) if each != HOST and not _is_address(each)]
    with net_namespaces.opened(given, engine, labels, connected(), host) as opened:
        namespaces = net_namespaces.read(opened)
        start, end = (_place(each, opened, engine) for each in (source, destination))
        if start is None:
            raise InvalidInput(say("a packet is sent by a container or by the host, not by {what}", what=source))
        address = str(destination) if end is None else _address(namespaces[start], namespaces[end])
        found = packet_trace.trace(opened, start, address, port)
    return draw(namespaces, found)


def _is_address(word: Container) -> bool:
    try:
        return isinstance(word, str) and "/" not in word and bool(parse_address(word))
    except InvalidInput:
        return False


def _place(word: Container, opened: Sequence[Open], engine: Engine) -> int | None:
    """Return the place of a container's namespace in the list, or the host's; None for an address."""
    if word == HOST:
        return net_namespaces.HOST
    if _is_address(word):
        return None
    inode = procfs.namespace(net_namespaces.resolved(word, engine)[0], "net")
    return next(place for place, each in enumerate(opened) if each.inode == inode)


def _address(own: Namespace, other: Namespace) -> str:
    """Return the address at which one namespace reaches another: one of a network that both are on, else the first."""
    networks = [parse_prefix(text) for each in own.interfaces for text in each.addresses if each.name != LOOPBACK]
    found = [parse_address(text) for each in other.interfaces for text in each.addresses if each.name != LOOPBACK]
    if not found:
        raise InvalidInput(say("{name} has no address: no packet can be sent to it", name=other.label))
    return str(next((each for each in found if any(network.has(each) for network in networks)), found[0]))


def steps(namespaces: Sequence[Namespace], found: Trace) -> list[Step]:
    """Return the rows: what the program has asked for, and each sighting, compared with the one before."""
    rows = [Step(None, found.place, found.source, found.destination)]
    for each in found.sightings:
        before = rows[-1]
        source_by = _source_by(namespaces[each.place], each) if each.source != before.source else ""
        destination_by = "DNAT" if each.destination != before.destination else ""
        rows.append(Step(each, each.place, each.source, each.destination, each.time_us, source_by, destination_by))
    return rows


def _source_by(one: Namespace, seen: Sighting) -> str:
    """Return what gave a packet another source: masquerading gives it an address of the interface by which it leaves."""
    addresses = (text for each in one.interfaces if each.name == seen.interface for text in each.addresses)
    host = seen.source.rpartition(":")[0].strip("[]")
    return "masquerade" if seen.is_outgoing and host in {text.partition("/")[0] for text in addresses} else "SNAT"


@house_style()
def draw(namespaces: Sequence[Namespace], found: Trace) -> Picture:
    """Draw a packet's way."""
    rows = steps(namespaces, found)
    lanes = list(dict.fromkeys(row.place for row in rows))
    bottom = TOP + ROW * len(rows)
    drawn, axes = canvas(bottom + 0.8)
    heading = say("The way of one packet: {source} → {destination}", source=_start(found), destination=found.destination)
    write(axes, 0.2, 0.28, heading, size=TITLE, bold=True)
    _lanes(axes, [namespaces[place].label for place in lanes], bottom)
    boxes = [_box(axes, lanes, row, TOP + ROW * (index + 0.5)) for index, row in enumerate(rows)]
    for before, after in pairwise(boxes):
        _arrow(axes, before, after)
    for index, row in enumerate(rows):
        _ends(axes, row, TOP + ROW * (index + 0.5))
    colour = NEW if found.outcome == "answered" else GONE
    write(axes, LANES + 0.05, bottom + 0.2, _outcome(namespaces, found), bold=True, colour=colour)
    rule = say(
        "each row: an interface where the packet was seen, and its addresses there        µs: since the program called connect"
    )
    write(axes, WIDTH / 2, bottom + 0.56, rule, size=SMALL, colour=MUTED, side="center")
    return Picture(drawn, _alt(namespaces, rows, found), _lost(found))


# --- parts


def _start(found: Trace) -> str:
    """Return the program's own address; a socket that has sent nothing has none."""
    return "?" if found.source.endswith(":0") else found.source


def _middle(lanes: Sequence[int], place: int) -> tuple[float, float]:
    """Return the middle of a namespace's column, and how wide that is."""
    width = (ENDS - LANES) / len(lanes)
    return LANES + (lanes.index(place) + 0.5) * width, width


def _lanes(axes: Axes, labels: Sequence[str], bottom: float) -> None:
    width = (ENDS - LANES) / len(labels)
    for number, label in enumerate(labels):
        left = LANES + number * width + 0.05
        box(axes, left, TOP - 0.38, width - 0.1, bottom - TOP + 0.38, face=PANEL, edge=LINE, linewidth=0.8, zorder=0)
        write(
            axes,
            left + width / 2 - 0.05,
            TOP - 0.2,
            shorten(label, int(width / breadth(" ", NORMAL)) - 2),
            bold=True,
            side="center",
        )


class _Placed(Record):
    """A drawn box: its middle and half its width."""

    x: float
    y: float
    half: float


def _box(axes: Axes, lanes: Sequence[int], row: Step, y: float) -> _Placed:
    """Draw where the packet is in a row: on an interface, or in the program."""
    x, width = _middle(lanes, row.place)
    half = min(width, 1.6) / 2 - 0.09
    box(axes, x - half, y - BOX / 2, 2 * half, BOX, face="white", edge=_edge(row), linewidth=1.2, zorder=2)
    if row.sighting is None:
        write(axes, x, y, "connect", size=SMALL, mono=True, side="center")
        return _Placed(x, y, half)
    write(axes, LANES - 0.1, y, f"{row.time_us:,.0f} µs", size=SMALL, colour=MUTED, side="right")
    way = say("out") if row.sighting.is_outgoing else say("in")
    room = int((2 * half - 0.12) / breadth(" ", SMALL)) - cells(way)
    write(axes, x - half + 0.06, y, shorten(row.sighting.interface, room), size=SMALL, mono=True)
    write(axes, x + half - 0.06, y, way, size=SMALL, colour=MUTED, side="right")
    return _Placed(x, y, half)


def _edge(row: Step) -> str:
    if row.sighting is None:
        return INK
    return OWN if row.source_by or row.destination_by else HERE


def _arrow(axes: Axes, before: _Placed, after: _Placed) -> None:
    """Join two boxes: straight down, or out of the first one's side and down into the other."""
    start = (before.x, before.y + BOX / 2)
    if before.x != after.x:
        side = before.half if after.x > before.x else -before.half
        axes.plot([before.x + side, after.x], [before.y, before.y], color=HERE, linewidth=1.4, zorder=1)
        start = (after.x, before.y)
    arrow = {"arrowstyle": "-|>", "color": HERE, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (after.x, after.y - BOX / 2), start, arrowprops=arrow, zorder=1)


def _ends(axes: Axes, row: Step, y: float) -> None:
    """Write source and destination; what was rewritten since the row above is marked, with what did it."""
    for text, by, height in ((row.source, row.source_by, y - 0.09), (f"→ {row.destination}", row.destination_by, y + 0.09)):
        left = ENDS + 0.12 + (0 if text.startswith("→") else breadth("  ", SMALL))
        room = int((RIGHT - left) / breadth(" ", SMALL)) - (cells(by) + 2 if by else 0)
        shown = shorten("?" if text.endswith(":0") else text, room)
        write(axes, left, height, shown, size=SMALL, mono=True, bold=bool(by), colour=OWN if by else INK)
        write(axes, left + breadth(f"{shown}  ", SMALL), height, by, size=SMALL, mono=True, colour=OWN)


# --- in words


def _outcome(namespaces: Sequence[Namespace], found: Trace) -> str:
    took = f"{found.outcome_us:,.0f} µs"
    if found.outcome == "answered":
        return say("answered: the connection is there after {time}", time=took)
    if found.outcome == "refused":
        return say("refused after {time}", time=took)
    if not found.sightings:
        return say("no answer: the packet was on no interface")
    last = found.sightings[-1]
    return say("no answer: seen last on {interface} of {name}", interface=last.interface, name=namespaces[last.place].label)


def _alt(namespaces: Sequence[Namespace], rows: Sequence[Step], found: Trace) -> str:
    first = say("A packet from {source} to {destination}.", source=_start(found), destination=found.destination)
    seen = (_seen(namespaces[row.place].label, row.sighting, row) for row in rows if row.sighting)
    return sentences([first, *seen, say("Outcome: {text}.", text=_outcome(namespaces, found)), _lost(found)])


def _seen(name: str, sighting: Sighting, row: Step) -> str:
    place = f"{name} {sighting.interface} {say('out') if sighting.is_outgoing else say('in')}"
    by = listed(filter(None, (row.source_by, row.destination_by)))
    ends = f"{row.source} → {row.destination}{f' ({by})' if by else ''}"
    return say("After {time}: {place}, {ends}.", time=f"{row.time_us:,.0f} µs", place=place, ends=ends)


def _lost(found: Trace) -> str:
    return (
        say("{count} packets came faster than they could be kept: rows may be missing.", count=found.dropped)
        if found.dropped
        else ""
    )
