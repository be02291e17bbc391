"""Network picture: the host's and containers' network namespaces, with links, addresses and routes, and what joins them."""

from collections.abc import Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from labcore.errors import InvalidInput
from labcore.lab.messages import say
from labcore.lab.pictures import net_namespaces
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.net_layout import HEAD, RIGHT, Box, Layout, Nat, Row, Wire, layout, translation
from labcore.lab.pictures.net_namespaces import HOST, Container, Interface, Namespace
from labcore.lab.pictures.net_owners import Owner, owned
from labcore.lab.pictures.style import (
    GONE,
    INK,
    LINE,
    MUTED,
    NORMAL,
    PANEL,
    SMALL,
    TITLE,
    WIDTH,
    Picture,
    box,
    breadth,
    canvas,
    clauses,
    listed,
    sentences,
    shorten,
    write,
)
from labcore.language import cells
from labcore.spec.network import PortBinding

MOST: Final = 4  # containers
LOOKS: Final = (
    ("#0072B2", "-"),
    ("#D55E00", "--"),
    ("#009E73", "-."),
    ("#CC79A7", ":"),
)  # of a bridge's wires: apart in grey, too
LEAST_REMARK: Final = 9  # letters
BEND: Final = 0.45  # inches that a wire goes straight out of its socket


@house_style()
def network(*containers: Container, labels: Sequence[str] | None = None, of: Owner | None = None) -> Picture:
    """Draw the host's network namespace and containers', with what the kernel's own tables hold now.

    A container is a name or an ID of labcore's, a process or its number; without any, all that labcore's bridges connect.
    `labels` stand in place of the names. `of` is a lesson's daemon, real or miniature, or the lab host (its process): then that
    one's namespace is drawn in place of the machine's. Raises InvalidInput for one that does not run, NotFound, Unavailable.
    """
    engine, host, connected = owned(of)
    if len(containers) > MOST:
        raise InvalidInput(say("up to {most} containers can be drawn, not {count}", most=MOST, count=len(containers)))
    left_out = 0
    if not containers:
        found = connected()
        left_out = len(found[MOST:])
        containers, labels = tuple(pid for pid, _ in found[:MOST]), [name for _, name in found[:MOST]]
    with net_namespaces.opened(containers, engine, labels, host=host) as opened:
        namespaces = net_namespaces.read(opened)
    if host is not None:
        return draw(namespaces, {}, Nat(), left_out)
    driver = engine.networks
    ours = (driver.find(network) for network in {each.network_id for each in driver.endpoints()})
    networks = {each.bridge: each.wanted.name for each in ours}
    return draw(namespaces, networks, Nat(tuple(driver.masqueraded()), tuple(driver.published())), left_out)


@house_style()
def draw(namespaces: Sequence[Namespace], networks: Mapping[str, str], nat: Nat, left_out: int = 0) -> Picture:
    """Draw what was read; `left_out` containers more were not."""
    plan = layout(namespaces, networks, nat)
    drawn, axes = canvas(plan.bottom + 0.5)
    write(axes, 0.2, 0.28, say("Network namespaces, and what joins them"), size=TITLE, bold=True)
    if left_out:
        write(
            axes,
            WIDTH - 0.2,
            0.28,
            say("{count} more containers are not drawn", count=left_out),
            size=SMALL,
            colour=MUTED,
            side="right",
        )
    for each in plan.boxes:
        _box(axes, each)
    for wire in plan.wires:
        _wire(axes, wire)
    write(axes, WIDTH / 2, plan.bottom + 0.27, _rule(), size=SMALL, colour=MUTED, side="center")
    return Picture(drawn, _alt(shown(namespaces, plan), networks, nat), _caption(nat))


# --- parts


def _rule() -> str:
    return say("a line: a veth pair, one end in each namespace        ●  up        ○  down        →  routes by a gateway")


def _box(axes: Axes, each: Box) -> None:
    colour = LOOKS[each.number % len(LOOKS)][0] if each.number >= 0 else LINE
    face, width, order = ("white", 1.4, 1) if each.is_inner else (PANEL, 0.8, 0)
    size = each.right - each.left, each.bottom - each.top
    box(axes, each.left, each.top, *size, face=face, edge=colour, linewidth=width, zorder=order)
    y, remark = each.top + HEAD / 2, shorten(each.remark, 30)
    room = int((each.right - each.left - 0.34 - breadth(remark, SMALL)) / breadth(" ", NORMAL))
    write(axes, each.left + 0.12, y, shorten(each.title, room), bold=True)
    write(axes, each.right - 0.12, y, remark, size=SMALL, colour=MUTED, side="right")
    for row in each.rows:
        _row(axes, each, row)


def _row(axes: Axes, each: Box, row: Row) -> None:
    """Write a row in three columns; where all of it has no room, the middle is left out of the remark, then of the text."""
    names = max((cells(other.name) for other in each.rows), default=0)
    room = int((each.right - each.left - 0.24) / breadth(" ", SMALL)) - (names + 1 if names else 0)
    remark = shorten(row.remark, max(LEAST_REMARK, room - cells(row.text) - 2))
    text = shorten(row.text, room - cells(remark) - 2)
    left = each.left + 0.12
    write(axes, left, row.y, row.name, size=SMALL, mono=True, bold=bool(row.end))
    start = left + (breadth(" " * (names + 1), SMALL) if names else 0)
    write(axes, start, row.y, text, size=SMALL, mono=True, colour=GONE if row.is_down else INK)
    write(axes, each.right - 0.12, row.y, remark, size=SMALL, mono=True, colour=MUTED, side="right")


def _wire(axes: Axes, wire: Wire) -> None:
    """Draw a wire, which leaves its sockets level: to the right from a container's box, to the left from the host's."""
    (x0, y0), (x1, y1) = wire.start, wire.end
    bends = [(x + (BEND if x < RIGHT[0] else -BEND), y) for x, y in (wire.start, wire.end)]
    colour, style = LOOKS[wire.number % len(LOOKS)] if wire.number >= 0 else (INK, "-")
    path = Path([(x0, y0), *bends, (x1, y1)], [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
    axes.add_patch(
        PathPatch(path, fc="none", ec=colour, linewidth=1.6, linestyle=style, alpha=1 if wire.is_up else 0.45, zorder=2)
    )
    for (x, y), is_up in ((wire.start, wire.is_up), (wire.end, wire.is_up)):
        axes.plot([x], [y], "o", color=colour, mfc=colour if is_up else "white", ms=6, mew=1.4, zorder=3)


# --- in words


def _caption(nat: Nat) -> str:
    lines = []
    if nat.masqueraded:
        text = say(
            "masquerade: what containers on {bridges} send elsewhere leaves with the host's address",
            bridges=listed(nat.masqueraded),
        )
        lines.append(f"- {text}")
    lines += [f"- {_published(port, address)}" for port, address in nat.published]
    return "\n".join(lines)


def _published(port: PortBinding, address: str) -> str:
    return say("published port (DNAT): {translation}", translation=translation(port, address))


def shown(namespaces: Sequence[Namespace], plan: Layout) -> list[Namespace]:
    """Return the namespaces with those interfaces that are drawn: in words, too, the others would be too many."""
    drawn = {row.end for one in plan.boxes for row in one.rows}
    titles = {one.title for one in plan.boxes if one.is_inner}

    def is_drawn(place: int, each: Interface) -> bool:
        return (place, each.index) in drawn or (place == HOST and each.name in titles)

    return [
        one.replace(interfaces=tuple(each for each in one.interfaces if is_drawn(place, each)))
        for place, one in enumerate(namespaces)
    ]


def _alt(namespaces: Sequence[Namespace], networks: Mapping[str, str], nat: Nat) -> str:
    spaces = (_in_words(place, namespaces, networks) for place in range(len(namespaces)))
    masqueraded = say("Masqueraded: {bridges}.", bridges=listed(nat.masqueraded)) if nat.masqueraded else ""
    ports = (translation(port, address) for port, address in nat.published)
    published = say("Published: {ports}.", ports=listed(ports)) if nat.published else ""
    return sentences([*spaces, masqueraded, published])


def _in_words(place: int, namespaces: Sequence[Namespace], networks: Mapping[str, str]) -> str:
    one = namespaces[place]
    links = clauses(_link(each, namespaces, place, networks) for each in one.interfaces)
    ways = listed(f"{way.destination or say('default route')} {way.gateway} {way.interface}" for way in one.ways)
    return say("{name}: {links}; {routes}.", name=one.label, links=links, routes=ways or say("no default route"))


def _link(each: Interface, namespaces: Sequence[Namespace], place: int, networks: Mapping[str, str]) -> str:
    words = [each.name, *each.addresses, each.mac_address, say("up") if each.is_up else say("down")]
    if each.name in networks and place == HOST:
        words.append(say("bridge of network {name}", name=networks[each.name]))
    if bridge := namespaces[place].interface(each.bridge):
        words.append(say("port of {bridge}", bridge=bridge.name))
    if each.peer and (peer := namespaces[each.peer[0]].interface(each.peer[1])):
        words.append(say("wired to {name} of {namespace}", name=peer.name, namespace=namespaces[each.peer[0]].label))
    return " ".join(filter(None, words))
