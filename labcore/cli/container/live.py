"""`labcore top` without a container: all containers on a terminal, with what they use and what happens, drawn every second."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections import deque
from contextlib import contextmanager

from labcore.cli import said
from labcore.cli.formatting import printable, size
from labcore.client.overview import ContainerUse, Overview, Sampler
from labcore.errors import LabcoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from labcore.client import Client
    from labcore.client.system import Event

SECONDS: Final = 1.0  # between two drawings
EVENTS_KEPT: Final = 100
BAR: Final = 10  # letters, of a whole processor or of the memory's limit
HEAD: Final = f"{'NAME':20}  {'STATUS':22}  {'CPU':>7} {'':{BAR}}  {'MEMORY':>9} {'':{BAR}}  {'IN / OUT':>17}  PIDS  IMAGE"
KEYS: Final = "↑ ↓ choose   s start or stop   p pause or go on   q quit"
UP, DOWN, QUIT = (b"\x1b[A", b"k"), (b"\x1b[B", b"j"), (b"q", b"\x03", b"\x04", b"\x1b", b"")
REVERSED, MUTED, PLAIN = "\033[7m", "\033[2m", "\033[m"
COLOURS: Final = {"running": "\033[32m", "paused": "\033[33m"}


def show(client: Client) -> int:
    """Draw until `q` is pressed; where there is no terminal, print the containers once."""
    sampler = Sampler(client)
    sampler.sample()  # what the first drawing is compared with
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        time.sleep(SECONDS)
        print("\n".join([HEAD.rstrip(), *(_row(each).rstrip() for each in sampler.sample().containers)]))
        return 0
    with _screen():
        Live(client, sampler).run()
    return 0


class Live:
    """The drawing: the container that is chosen, the events so far, and what was said of the last key."""

    def __init__(self, client: Client, sampler: Sampler) -> None:
        self._client = client
        self._sampler = sampler
        self._overview = Overview(())
        self._events: deque[str] = deque(maxlen=EVENTS_KEPT)
        self._chosen = 0
        self._message = ""

    def run(self) -> None:
        """Draw and obey keys, until one ends it. Raises APIError, Unavailable when the daemon goes."""
        due = 0.0
        while True:
            if (now := time.monotonic()) >= due:
                self._overview, due = self._sampler.sample(), now + SECONDS
                self._events.extend(map(_event_line, self._overview.events))
            self._draw()
            if select.select([0], [], [], max(0.0, due - time.monotonic()))[0]:
                key = os.read(0, 16)
                if key in QUIT:
                    return
                due = 0.0 if self._obey(key) else due

    def _obey(self, key: bytes) -> bool:
        """Do what a key says; return whether containers may be otherwise now."""
        self._chosen += (key in DOWN) - (key in UP)
        chosen = self._chosen_one()
        if chosen is None or key not in (b"s", b"p"):
            return False
        containers = self._client.containers
        try:
            if key == b"s":
                (containers.stop if chosen.state in ("running", "paused") else containers.start)(chosen.id)
            else:
                (containers.unpause if chosen.state == "paused" else containers.pause)(chosen.id)
            self._message = ""
        except LabcoreError as error:
            self._message = said(error).partition("\n")[0]
        return True

    def _chosen_one(self) -> ContainerUse | None:
        """Return the container that is chosen; the choice stays within the list."""
        found = self._overview.containers
        self._chosen = max(0, min(self._chosen, len(found) - 1))
        return found[self._chosen] if found else None

    def _draw(self) -> None:
        columns, lines = os.get_terminal_size(1)
        self._chosen_one()
        room = max(1, lines - 8)
        first = max(0, self._chosen - room + 1)
        shown = self._overview.containers[first : first + room]
        rows = [_coloured(each, _row(each)[:columns], chosen=index == self._chosen - first) for index, each in enumerate(shown)]
        events = list(self._events)[-max(1, lines - len(rows) - 5) :]
        text = [
            f"{REVERSED}{HEAD[:columns]:{columns}}{PLAIN}",
            *(rows or ["no containers: labcore run …"]),
            "",
            *(f"{MUTED}{each[:columns]}{PLAIN}" for each in events),
        ]
        text = text[: lines - 2]
        text += [""] * (lines - 2 - len(text))
        end = [printable(self._message)[:columns], f"{MUTED}{KEYS[:columns]}{PLAIN}"]
        sys.stdout.write("\033[H" + "\r\n".join(f"{line}\033[K" for line in [*text, *end]))  # one piece: nothing flickers
        sys.stdout.flush()


def _row(use: ContainerUse) -> str:
    cpu = "" if use.cpu_percent is None else f"{use.cpu_percent:.1f} %"
    processor = _bar((use.cpu_percent or 0) / 100)
    memory = _bar(use.memory / use.memory_limit if use.memory_limit else 0)
    moved = f"{size(use.received)} / {size(use.sent)}" if use.received or use.sent else ""
    used = size(use.memory) if use.memory else ""
    start = f"{printable(use.name)[:20]:20}  {printable(use.status)[:22]:22}  {cpu:>7} {processor}  {used:>9} {memory}"
    return f"{start}  {moved:>17}  {use.processes or '':>4}  {printable(use.image)[:30]}"


def _bar(part: float) -> str:
    return ("█" * round(min(max(part, 0.0), 1.0) * BAR)).ljust(BAR, "·") if part else " " * BAR


def _coloured(use: ContainerUse, row: str, *, chosen: bool) -> str:
    return f"{REVERSED if chosen else ''}{COLOURS.get(use.state, MUTED)}{row}{PLAIN}"


def _event_line(event: Event) -> str:
    moment = time.strftime("%H:%M:%S", time.localtime(event.time_ns / 1e9))
    name = event.actor.attributes.get("name") or event.actor.id[:12]
    return printable(f"{moment}  {event.kind:9}  {event.action:16.60}  {name}")


@contextmanager
def _screen() -> Iterator[None]:
    """Use the terminal's other screen, without a cursor, each key as it is; leave all as it was."""
    before = termios.tcgetattr(0)
    sys.stdout.write("\033[?1049h\033[?25l\033[2J")
    try:
        tty.setraw(0)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        sys.stdout.write("\033[?25h\033[?1049l")
        sys.stdout.flush()
