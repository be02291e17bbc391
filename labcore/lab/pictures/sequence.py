"""Sequence diagram of a trace: who asked whom for what, from the client down to the kernel, each message a row."""

import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from itertools import takewhile
from pathlib import PurePath
from typing import Final, Literal
from urllib.parse import unquote

from matplotlib.axes import Axes

from labcore.lab.messages import say
from labcore.lab.pictures.folding import folded
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
    duration,
    rows_in,
    sentence,
    sentences,
    shorten,
    write,
)
from labcore.record import Record
from labcore.trace import Span

Lane = Literal["client", "daemon", "registry", "storage", "network", "runtime", "kernel"]
Kind = Literal["ask", "answer", "refusal", "end"]
LANES: Final[tuple[Lane, ...]] = ("client", "daemon", "registry", "storage", "network", "runtime", "kernel")
# To whom a daemon's part goes, by the beginning of its name; what is not here is the daemon's own.
GOES_TO: Final[dict[str, Lane]] = {
    "registry": "registry",
    "storage": "storage",
    "images": "storage",
    "network": "network",
    "runtime": "runtime",
    "op": "kernel",
}
VERSION: Final = re.compile(r" /v[0-9.]+(?=/)")
LONG_ID: Final = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{20,}\b")
COLOURS: Final = {"ask": HERE, "answer": NEW, "refusal": OWN, "end": MUTED}
TOP, ROW, HEAD, FIRST, LAST, FOOT = 0.92, 0.21, 0.26, 1.15, 8.45, 0.2  # inches
LABEL_WIDTH: Final = 58
ROWS_MAX: Final = rows_in(TOP + FOOT, ROW)


class Message(Record):
    """A row: who turns to whom, with what, and when (milliseconds after the command was started).

    `kind`: something is asked for, answered, refused, or a stream that was begun comes to its end. `lasts_ms` is how long the
    call takes, or the part or the ops that are asked for.
    """

    source: Lane
    target: Lane
    text: str
    start_ms: float
    kind: Kind = "ask"
    lasts_ms: float = 0.0

    @property
    def is_clients(self) -> bool:
        """Whether the client asks, or is answered."""
        return "client" in (self.source, self.target)


@house_style()
def sequence(root: Span) -> Picture:
    """Draw who asked whom for what, in the order of time, for a command that was traced.

    Of more messages than a window has room for, the daemon's shortest are left out, the client's last of all, and counted.
    """
    found = messages(root)
    shown, left_out = folded(found, ROWS_MAX, lambda message: (message.is_clients, message.lasts_ms))
    bottom = TOP + ROW * len(shown)
    drawn, axes = canvas(bottom + FOOT)
    heading = say("Who asks whom: {title}", title=shorten(short(root.name), 60))
    write(axes, 0.2, 0.25, heading, size=TITLE, bold=True)
    _lanes(axes, bottom)
    for index, message in enumerate(shown):
        _row(axes, message, TOP + ROW * (index + 0.6))
    if any(left_out):
        _fold(axes, left_out)
    calls = (_said(each) for each in found if each.is_clients)
    return Picture(drawn, sentences([sentence(heading), *calls]))


def messages(root: Span) -> list[Message]:
    """Return the messages of a trace, in the order of time."""
    found = [message for call in root.children for message in _of_call(call, root.start)]
    return sorted(found, key=lambda message: message.start_ms)


def _of_call(call: Span, begin: int) -> Iterator[Message]:
    lasts = call.duration_ms
    yield Message("client", "daemon", short(call.name), _ms(call.start, begin), lasts_ms=lasts)
    parts = [part for job in call.children for part in job.children]
    for part in parts:
        yield from _of_part(part, "daemon", begin)
    if not call.answer:
        return
    kind: Kind = "refusal" if int(call.answer[:3]) >= HTTPStatus.BAD_REQUEST else "answer"
    head = next((part.end for part in parts if part.name == "answer"), call.end)
    streams = any(part.name == "stream" for part in parts)
    yield Message("daemon", "client", call.answer, _ms(head if streams else call.end, begin), kind, lasts)
    if streams:
        text = say("the end of what {call} streams", call=short(call.name).partition("?")[0])
        yield Message("daemon", "client", text, _ms(call.end, begin), "end", lasts)


def _of_part(part: Span, source: Lane, begin: int) -> Iterator[Message]:
    """Yield a part and those below it; ops that follow one another are one message."""
    kind, _, text = part.name.partition(": ")
    target = GOES_TO.get(kind)
    if target and target != source:
        said = f"{text}  ({duration(part.duration_ms)})"
        yield Message(source, target, said, _ms(part.start, begin), lasts_ms=part.duration_ms)
    left: Sequence[Span] = part.children
    while left:
        ops = list(takewhile(lambda each: each.kind == "op" and not each.children, left))
        if ops:
            lasts = _ms(ops[-1].end, ops[0].start)
            yield Message("runtime", "kernel", _ops(ops), _ms(ops[0].start, begin), lasts_ms=lasts)
        else:
            inner = left[0].children if left[0].kind == "op" else left[:1]
            for each in inner:
                yield from _of_part(each, "daemon" if left[0].kind == "op" else target or source, begin)
        left = left[max(1, len(ops)) :]


def _ops(ops: Sequence[Span]) -> str:
    names = [re.sub(r"^op [0-9]+: ", "", each.name) for each in (ops[0], ops[-1])]
    if len(ops) == 1:
        return shorten(names[0], LABEL_WIDTH)
    first, last = (shorten(name, 20) for name in names)
    return say("{first} … {last}: {count} ops", first=first, last=last, count=len(ops))


def short(text: str) -> str:
    """Return a span's name without the path of its program or the API's version, and with long ids cut short."""
    if text.startswith("/"):
        program, blank, words = text.partition(" ")
        text = PurePath(program).name + blank + words
    return LONG_ID.sub(r"\1", unquote(VERSION.sub(" ", text)))


def _ms(moment: int, begin: int) -> float:
    return (moment - begin) / 1e6


def _at(lane: Lane) -> float:
    return FIRST + (LAST - FIRST) * LANES.index(lane) / (len(LANES) - 1)


def _words() -> dict[Lane, str]:
    return {
        "client": say("client"),
        "daemon": say("daemon"),
        "registry": say("registry"),
        "storage": say("storage"),
        "network": say("network"),
        "runtime": say("runtime"),
        "kernel": say("kernel"),
    }


def _lanes(axes: Axes, bottom: float) -> None:
    words = _words()
    for lane in LANES:
        x = _at(lane)
        axes.plot([x, x], [TOP - 0.14, bottom + 0.1], color=LINE, linewidth=1, zorder=0)
        box(axes, x - 0.46, TOP - 0.14 - HEAD, 0.92, HEAD, face=PANEL, edge=LINE, linewidth=1)
        write(axes, x, TOP - 0.14 - HEAD / 2, words[lane], bold=True, side="center")
    write(axes, 0.12, TOP - 0.14 - HEAD / 2, "ms", size=SMALL, colour=MUTED)


def _row(axes: Axes, message: Message, y: float) -> None:
    start, end = _at(message.source), _at(message.target)
    colour = INK if message.target == "kernel" else COLOURS[message.kind]
    style = "-" if message.kind == "ask" else (0, (3, 2))
    arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.1, "linestyle": style, "mutation_scale": 7}
    axes.annotate("", (end, y), (start, y), arrowprops={**arrow, "shrinkA": 0, "shrinkB": 0})
    write(axes, 0.12, y, f"{message.start_ms:.0f}", size=SMALL, colour=MUTED)
    text = shorten(message.text, LABEL_WIDTH)
    refused = message.kind == "refusal"
    ink = OWN if refused else INK
    if message.target == "kernel":  # there is no room to the right of it
        write(axes, start - 0.07, y, text, size=SMALL, side="right", ground="white")
    else:
        write(axes, max(start, end) + 0.07, y, text, size=SMALL, colour=ink, bold=refused, ground="white")


def _fold(axes: Axes, left_out: Sequence[int]) -> None:
    """Say between which rows there are messages that are not shown, and how many."""
    rule = say("+ shorter ones that are left out: {count}", count=sum(left_out))
    write(axes, WIDTH - 0.2, 0.25, rule, size=SMALL, colour=MUTED, side="right")
    for row, count in enumerate(left_out):
        if count:
            write(axes, 0.5, TOP + ROW * (row + 0.1), f"+{count}", size=SMALL, colour=MUTED)


def _said(message: Message) -> str:
    words = _words()
    return say("{source} to {target}: {text}.", source=words[message.source], target=words[message.target], text=message.text)
