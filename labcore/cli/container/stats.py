"""`labcore container stats`: what containers use, again and again."""

from __future__ import annotations

import sys
import time

from labcore.cli import FAILED, said
from labcore.cli.connection import client_of
from labcore.cli.container.usage import LISTING, row
from labcore.cli.listing import add_format, show, text_of
from labcore.errors import LabcoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from threading import Thread
    from typing import Final

    from labcore.cli.flags import Arguments, Parser
    from labcore.cli.template import Row
    from labcore.client import Client
    from labcore.client.container_values import Stats
    from labcore.client.system import Event

DRAW_SECONDS: Final = 0.5
POLL_SECONDS: Final = 0.02
HOME, CLEAR_LINE, CLEAR_BELOW, CLEAR = "\033[H", "\033[K", "\033[J", "\033[2J"


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "Ctrl-C ends it. Without names: all that run, and what is started meanwhile."
    parser.add_argument("-a", "--all", action="store_true", help="those too that do not run")
    add_format(parser)
    parser.add_argument("--no-stream", action="store_true", help="print one reading, and end")
    parser.add_argument("--no-trunc", action="store_true", help="print IDs whole")
    parser.add_argument("containers", nargs="*", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """Print them."""
    with client_of(args) as client:
        readings = Readings(client, once=args.no_stream)
        names = args.containers or [each.id for each in client.containers.list(all=args.all)]
        if not args.containers and not args.no_stream:
            readings.follow_starts(leave=not args.all)
        for name in names:
            readings.add(name)
        if args.no_stream:
            readings.wait()
            rows = readings.rows(whole=args.no_trunc)
            if rows or not readings.errors:
                show(LISTING, rows, args.format)
        else:
            _show_again_and_again(args, readings)
    for error in readings.errors:
        print(f"labcore: {said(error)}", file=sys.stderr)
    return FAILED if readings.errors else 0


def _show_again_and_again(args: Arguments, readings: Readings) -> None:
    """Draw until nobody is left who was asked for by name; on a terminal each table in the place of the one before."""
    is_terminal = sys.stdout.isatty()
    readings.wait_for_first()
    sys.stdout.write(CLEAR if is_terminal else "")
    while not args.containers or readings.are_open:
        text = text_of(LISTING, readings.rows(whole=args.no_trunc), args.format)
        sys.stdout.write(HOME + text.replace("\n", f"{CLEAR_LINE}\n") + CLEAR_BELOW if is_terminal else text)
        sys.stdout.flush()
        time.sleep(DRAW_SECONDS)


class Readings:
    """The newest readings of some containers, each read by a thread of its own."""

    def __init__(self, client: Client, *, once: bool) -> None:
        self._client = client
        self._once = once
        self._newest: dict[str, Stats | None] = {}
        self._threads: list[Thread] = []
        self._open = 0
        self.errors: list[LabcoreError] = []

    @property
    def are_open(self) -> bool:
        """Whether somebody is still being read."""
        return self._open > 0

    def add(self, name: str) -> None:
        """Begin to read a container's."""
        if name not in self._newest:
            self._newest[name] = None
            self._open += 1
            self._begin(self._read, name)

    def rows(self, *, whole: bool) -> Sequence[Row]:
        """Return the newest ones."""
        return [row(name, reading, whole=whole) for name, reading in list(self._newest.items())]

    def wait_for_first(self) -> None:
        """Wait until each has been read once, or cannot be."""
        while None in self._newest.values() and self._open:
            time.sleep(POLL_SECONDS)

    def wait(self) -> None:
        """Wait until all have been read."""
        for thread in self._threads:
            thread.join()

    def follow_starts(self, *, leave: bool) -> None:
        """Add what is started from now on; with `leave`, leave out what has ended."""
        events = self._client.system.events(filters={"type": "container", "event": ["start", "die", "destroy"]})
        self._begin(self._follow, events, leave)

    def _follow(self, events: Iterator[Event], leave: bool) -> None:
        for event in events:
            if event.action == "start":
                self.add(event.actor.id)
            elif leave or event.action == "destroy":
                self._newest.pop(event.actor.id, None)

    def _read(self, name: str) -> None:
        try:
            if self._once:
                self._newest[name] = self._client.containers.stats_once(name)
                return
            for reading in self._client.containers.stats(name):
                if name not in self._newest:
                    return
                self._newest[name] = reading
        except LabcoreError as error:
            self._newest.pop(name, None)
            self.errors.append(error)
        finally:
            self._open -= 1

    def _begin(self, act: Callable[..., None], *arguments: object) -> None:
        from threading import Thread

        thread = Thread(target=act, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
