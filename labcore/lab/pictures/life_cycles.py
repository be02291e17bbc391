"""Life cycle picture: a container's states and the verbs between them, the way that it went, and where it is now."""

from collections.abc import Mapping, Sequence
from math import hypot
from typing import Final

from matplotlib.axes import Axes

from labcore.engine.container.lifecycle import GONE, TABLE
from labcore.lab.messages import say
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.style import (
    HERE,
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
    canvas,
    clauses,
    listed,
    sentences,
    write,
)
from labcore.record import Record

HEIGHT, BOX_WIDTH, BOX_HEIGHT = 4.1, 1.3, 0.46  # inches
# Where each state stands: the middle of its box. The other two of the table last for a moment only, or are a damaged record's.
PLACES: Final[Mapping[str, tuple[float, float]]] = {
    "created": (1.15, 2.15),
    "running": (4.2, 2.15),
    "exited": (7.75, 2.15),
    "paused": (4.2, 0.95),
    "restarting": (6.9, 0.95),
    GONE: (4.2, 3.4),
}
COMMANDS: Final = {"remove": "rm", "remove by force": "rm -f"}  # verbs that docker's command calls something else
# How an edge is drawn: shifted from the line between two middles, and where its label stands (inches from the line's middle).
ROUTES: Final[Mapping[tuple[str, str], tuple[tuple[float, float], tuple[float, float]]]] = {
    ("created", "running"): ((0, 0), (0, -0.16)),
    ("running", "exited"): ((0, -0.1), (0, -0.2)),
    ("exited", "running"): ((0, 0.1), (0, 0.18)),
    ("running", "paused"): ((-0.22, 0), (-0.34, 0)),
    ("paused", "running"): ((0.22, 0), (0.66, -0.12)),
    ("running", "restarting"): ((0.1, 0), (0.8, -0.02)),
    ("created", GONE): ((0, 0), (-0.3, 0.1)),
    ("running", GONE): ((0, 0), (0.32, -0.1)),
    ("exited", GONE): ((0, 0), (0.3, 0.1)),
}
LEADS_TO: Final = {  # what docker's events say has become of a container
    "create": "created",
    "start": "running",
    "unpause": "running",
    "pause": "paused",
    "die": "exited",
    "destroy": GONE,
}
TINT: Final = "#b3d4ea"  # of HERE: a state in which it has been


class Life(Record):
    """What a container has gone through: its name, and the actions of its events, the oldest first."""

    name: str
    actions: tuple[str, ...]

    @property
    def states(self) -> tuple[str, ...]:
        """The states in which it was, one after another; the last is where it is now."""
        return tuple(LEADS_TO[action] for action in self.actions if action in LEADS_TO)


def edges() -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the edges between the states that are drawn, and the verbs of each, as the engine's table has them."""
    found: dict[tuple[str, str], list[str]] = {}
    for verb, row in TABLE.items():
        for state, outcome in row.items():
            if state in PLACES and outcome in PLACES and outcome != state:
                found.setdefault((state, str(outcome)), []).append(COMMANDS.get(verb, verb))
    return {edge: tuple(sorted(_needed(verbs), key=lambda verb: verb == "restart")) for edge, verbs in found.items()}


def _needed(verbs: Sequence[str]) -> list[str]:
    """Return the verbs without force where none is needed."""
    return [verb for verb in verbs if verb != "rm -f" or "rm" not in verbs]


def by_itself(edge: tuple[str, str]) -> str:
    """Return what leads along an edge without a verb: a program's end, or the policy by which the daemon starts it again."""
    return {("running", "exited"): say("its program ends"), ("running", "restarting"): say("a restart policy")}.get(edge, "")


@house_style()
def life_cycle(life: Life) -> Picture:
    """Draw the states of a container, the verbs that lead from one to another, and the way of one container through them."""
    drawn, axes = canvas(HEIGHT)
    write(axes, 0.2, 0.28, say("The life of {name}", name=life.name), size=TITLE, bold=True)
    went = set(zip(life.states, life.states[1:], strict=False))
    for edge in ROUTES:
        _edge(axes, edge, went=edge in went)
    for state in PLACES:
        _state(axes, state, life)
    rule = say("filled: where it is        pale: where it has been        blue arrows: the way that it went")
    write(axes, WIDTH / 2, HEIGHT - 0.24, rule, size=SMALL, colour=MUTED, side="center")
    return Picture(drawn, _alt(life), _others())


def _state(axes: Axes, state: str, life: Life) -> None:
    x, y = PLACES[state]
    here = bool(life.states) and life.states[-1] == state
    face = HERE if here else TINT if state in life.states else PANEL
    edge = HERE if state in life.states else LINE
    box(axes, x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2, BOX_WIDTH, BOX_HEIGHT, face=face, edge=edge, linewidth=1.4, zorder=3)
    write(axes, x, y, name_of(state), bold=here, colour="white" if here else INK, size=NORMAL, side="center")


def _edge(axes: Axes, edge: tuple[str, str], *, went: bool) -> None:
    (dx, dy), (across, down) = ROUTES[edge]
    (x0, y0), (x1, y1) = (PLACES[state] for state in edge)
    start, end = (x0 + dx, y0 + dy), (x1 + dx, y1 + dy)
    colour = HERE if went else MUTED
    arrow = {
        "arrowstyle": "->",
        "color": colour,
        "linewidth": 2.0 if went else 1.0,
        "shrinkA": _clear(edge),
        "shrinkB": _clear(edge),
    }
    axes.annotate("", end, start, arrowprops=arrow, zorder=2)
    words = filter(None, [*edges().get(edge, ()), by_itself(edge)])
    middle = (start[0] + end[0]) / 2 + across, (start[1] + end[1]) / 2 + down
    write(axes, *middle, listed(words), size=SMALL, colour=colour, side="center", ground="white")


def _clear(edge: tuple[str, str]) -> float:
    """Return how many points of an arrow are hidden behind the boxes at its ends."""
    (x0, y0), (x1, y1) = (PLACES[state] for state in edge)
    across, down = abs(x1 - x0) or 1e-9, abs(y1 - y0) or 1e-9
    length = hypot(across, down)
    return 72 * min(BOX_WIDTH / 2 * length / across, BOX_HEIGHT / 2 * length / down) + 2


def name_of(state: str) -> str:
    """Return a state's name: docker's word, which it prints in every language; of what is gone, the reader's."""
    return say("(gone)") if state == GONE else state


def _others() -> str:
    """Return in words the verbs that lead from a state and are not drawn, for their arrows would cross the others'."""
    rest = [(edge, verbs) for edge, verbs in edges().items() if edge not in ROUTES]
    told = [
        say("from {state} by {verbs} to {next}", state=state, verbs=listed(verbs), next=name_of(after))
        for (state, after), verbs in rest
    ]
    return say("Not drawn: {ways}.", ways=clauses(told))


def _alt(life: Life) -> str:
    ways = [
        say("from {state} by {verbs} to {next}", state=state, verbs=listed(verbs), next=name_of(after))
        for (state, after), verbs in edges().items()
    ]
    went = say("{name} went this way: {states}.", name=life.name, states=" → ".join(map(name_of, life.states)))
    return sentences([say("A container goes {ways}.", ways=clauses(ways)), went if life.states else ""])
