"""Architecture picture: a running daemon with its clients, server, engine, jobs, the three drivers, and its containers."""

import os
from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes

from labcore.lab.messages import say
from labcore.lab.pictures.daemon_state import ContainerSeen, DaemonState, LiveDaemon, state_of
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.style import (
    HERE,
    INK,
    LINE,
    MUTED,
    NEW,
    OWN,
    PANEL,
    SMALL,
    TITLE,
    WIDTH,
    Picture,
    box,
    canvas,
    clauses,
    sentences,
    shorten,
    write,
)

MOST_JOBS: Final = 4
MOST_CONTAINERS: Final = 5
MOST_DOORS: Final = 3
LEFT, RIGHT, TOP = 2.3, 0.2, 0.62  # inches: of the daemon's panel
PAD, ROW, GAP = 0.12, 0.24, 0.2
NAMES: Final = 0.3  # where the containers' names begin
DRIVERS: Final = ((2.42, 1.95), (4.5, 1.95), (6.58, 2.1))  # of each driver's column: its left end, its width
COLOURS: Final = ("#0072B2", "#009E73", "#D55E00")  # graph, network, exec: apart in grey by their places


@house_style()
def architecture(daemon: LiveDaemon) -> Picture:
    """Draw a daemon of labcore's as it runs now: its sockets and threads as the kernel lists them, its jobs, its containers.

    Raises Unavailable if it does not answer.
    """
    return draw(state_of(daemon))


@house_style()
def draw(state: DaemonState) -> Picture:
    """Draw what was found of a daemon."""
    jobs, containers = state.jobs[:MOST_JOBS], state.containers[:MOST_CONTAINERS]
    server = TOP + 0.3
    engine = server + _height(max(1, len(state.doors[:MOST_DOORS]))) + GAP
    job = engine + _height(1) + GAP
    drivers = job + _height(max(1, len(jobs))) + GAP
    bottom = drivers + _height(2) + PAD
    below = bottom + 0.75
    drawn, axes = canvas(below + ROW * max(1, len(containers)) + 0.65)
    write(axes, 0.2, 0.28, say("A daemon as it runs, and what hangs on it"), size=TITLE, bold=True)
    box(axes, LEFT, TOP, WIDTH - LEFT - RIGHT, bottom - TOP, face=PANEL, edge=HERE, linewidth=1.6, zorder=0)
    head = say("daemon: process {pid}, {threads} threads", pid=state.pid, threads=state.threads)
    write(axes, LEFT + PAD, TOP + 0.16, head, bold=True, colour=HERE)
    doors = [
        say("listens at {address}; connections: {count}", address=shorten(each.address, 40), count=each.connections)
        for each in state.doors[:MOST_DOORS]
    ]
    _stage(axes, server, "Server", doors)
    _stage(axes, engine, "Engine", [_engine_line(state)])
    _stage(axes, job, "Job", [f"{each.id}  {each.kind}" for each in jobs] or [say("(none is being done)")])
    for upper, lower in ((server + _height(max(1, len(doors))), engine), (engine + _height(1), job), (drivers - GAP, drivers)):
        _arrow(axes, (LEFT + WIDTH - RIGHT) / 2, upper, (LEFT + WIDTH - RIGHT) / 2, lower)
    _clients(axes, server, state)
    _drivers(axes, drivers, state)
    _containers(axes, bottom, below, state)
    return Picture(drawn, _alt(state))


def _height(rows: int) -> float:
    return 0.12 + ROW * rows


def _engine_line(state: DaemonState) -> str:
    last = shorten(state.last[-1], 34) if state.last else say("none")
    return say("finds who answers; {done} jobs are done, the last: {last}", done=state.done, last=last)


def _stage(axes: Axes, top: float, name: str, lines: Sequence[str]) -> None:
    box(axes, LEFT + PAD, top, WIDTH - LEFT - RIGHT - 2 * PAD, _height(len(lines)), face="white", edge=INK, linewidth=1)
    write(axes, LEFT + PAD + 0.1, top + 0.06 + ROW / 2, name, bold=True)
    for index, line in enumerate(lines):
        write(axes, LEFT + PAD + 1.05, top + 0.06 + ROW * (index + 0.5), line, size=SMALL)


def _arrow(axes: Axes, x: float, y: float, to_x: float, to_y: float, colour: str = INK) -> None:
    axes.annotate("", (to_x, to_y), (x, y), arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.2})


def _clients(axes: Axes, top: float, state: DaemonState) -> None:
    """Draw the processes whose jobs are being done, each once."""
    write(axes, 0.2, top - 0.14, say("clients"), bold=True)
    found = list(dict.fromkeys((each.client, each.pid) for each in state.jobs))[:MOST_JOBS]
    if not found:
        write(axes, 0.2, top + ROW / 2, say("(nobody is asking)"), size=SMALL, colour=MUTED)
    for index, (name, pid) in enumerate(found):
        y = top + (ROW + 0.1) * index
        you = f" ({say('you')})" if pid == os.getpid() else ""
        box(axes, 0.2, y, 1.65, ROW + 0.02, face="white", edge=HERE, linewidth=1.2)
        write(axes, 0.28, y + ROW / 2, f"{shorten(name, 12)} {pid}{you}", size=SMALL)
        _arrow(axes, 1.85, y + ROW / 2, LEFT + PAD, top + ROW / 2 + 0.06, HERE)


def _drivers(axes: Axes, top: float, state: DaemonState) -> None:
    names = ("GraphDriver", "NetworkDriver", "ExecDriver")
    bridges = shorten(" ".join(state.bridges), 24) or "-"
    told = ("overlayfs", bridges, say("a monitor each"))
    for (left, width), name, word, colour in zip(DRIVERS, names, told, COLOURS, strict=True):
        box(axes, left, top, width, _height(2), face="white", edge=colour, linewidth=1.6)
        write(axes, left + 0.08, top + 0.06 + ROW / 2, name, size=SMALL, bold=True, colour=colour)
        write(axes, left + 0.08, top + 0.06 + ROW * 1.5, word, size=SMALL, colour=MUTED)


def _containers(axes: Axes, bottom: float, top: float, state: DaemonState) -> None:
    """Draw a row for each container: what each driver has made for it stands below that driver."""
    found = state.containers[:MOST_CONTAINERS]
    height = ROW * max(1, len(found))
    box(axes, 0.2, top - 0.06, WIDTH - 0.2 - RIGHT, height + 0.12, face="white", edge=LINE, linewidth=1, zorder=0)
    heads = (say("layers"), say("address"), say("monitor → process"))
    for (left, width), head, colour in zip(DRIVERS, heads, COLOURS, strict=True):
        if found:
            _arrow(axes, left + width / 2, bottom, left + width / 2, top - 0.32, colour)
        write(axes, left + 0.08, top - 0.18, head, size=SMALL, colour=MUTED)
    write(axes, 0.2, top - 0.18, say("containers"), bold=True)
    if not found:
        write(axes, NAMES, top + ROW / 2, say("(none runs)"), size=SMALL, colour=MUTED)
    for index, each in enumerate(found):
        _container(axes, top + ROW * (index + 0.5), each)
    y = top + height + 0.24
    if left_out := len(state.containers) - len(found):
        write(axes, NAMES, y, say("… {count} more", count=left_out), size=SMALL, colour=MUTED)
    if found:
        write(axes, WIDTH - RIGHT, y, _parents(state), size=SMALL, colour=OWN, side="right")


def _parents(state: DaemonState) -> str:
    """Return whose children the monitors are."""
    if any(each.monitor_parent == state.pid for each in state.containers):
        return say("the monitors are the daemon's children")
    parent = state.containers[0].monitor_parent
    return say("the monitors are children of process {parent}: they have outlived the daemon that started them", parent=parent)


def _container(axes: Axes, y: float, each: ContainerSeen) -> None:
    write(axes, NAMES, y, shorten(f"{each.name} ({each.image})", 28), size=SMALL, bold=True)
    (graph, _), (network, _), (exec_, _) = DRIVERS
    write(axes, graph + 0.08, y, say("{count} of the image + 1", count=each.layers), size=SMALL)
    write(axes, network + 0.08, y, each.address or say("none"), size=SMALL, mono=True)
    write(axes, exec_ + 0.08, y, shorten(f"{each.monitor} → {each.pid} {each.program}", 26), size=SMALL, colour=NEW)


def _alt(state: DaemonState) -> str:
    jobs = clauses(f"{each.kind} ({each.client} {each.pid})" for each in state.jobs) or say("none")
    containers = clauses(
        say(
            "{name}: {layers} layers, address {address}, monitor {monitor}, process {pid}",
            name=each.name,
            layers=each.layers,
            address=each.address or say("none"),
            monitor=each.monitor,
            pid=each.pid,
        )
        for each in state.containers
    )
    listens = clauses(f"{each.address} ({each.connections})" for each in state.doors)
    return sentences(
        [
            say("A daemon, process {pid}, listens at {doors}.", pid=state.pid, doors=listens),
            say("Jobs that are being done: {jobs}.", jobs=jobs),
            say("Containers: {containers}.", containers=containers or say("none")),
        ]
    )
