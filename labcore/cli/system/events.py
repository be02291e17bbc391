"""`labcore system events`: what happens to containers, images, networks and volumes."""

from __future__ import annotations

import sys

from labcore.cli.connection import client_of
from labcore.cli.formatting import printable
from labcore.cli.inspection import read_format
from labcore.cli.listing import add_filter, filters_of, for_terminal
from labcore.cli.moments import moment
from labcore.cli.template.values import Struct, json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Final

    from labcore.cli.flags import Arguments, Parser
    from labcore.client.system import Event

# Fields of templates, and where the JSON has them.
FIELDS: Final = {
    "Status": "status", "ID": "id", "From": "from", "Type": "Type", "Action": "Action", "Actor": "Actor", "Scope": "scope",
    "Time": "time", "TimeNano": "timeNano",
}  # fmt: skip
NUMBERS: Final = ("Time", "TimeNano")


class _Fields(Struct):
    """An event's fields by the names that templates have for them."""

    json: dict[str, Any]

    def plain(self) -> dict[str, Any]:
        """Return the JSON."""
        return self.json

    def shown(self) -> Iterable[Any]:
        """Return the fields, those too that are empty."""
        return self.values()


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "Times: 10m (ago), 2026-11-30T12:00:00, or seconds since 1970. Without --until it goes on; Ctrl-C ends it."
    add_filter(parser)
    parser.add_argument("--format", default="", metavar="FORMAT", help="json, or a Go template for each event")
    parser.add_argument("--since", default="", metavar="TIME", help="begin with what has happened since then")
    parser.add_argument("--until", default="", metavar="TIME", help="end then")


def main(args: Arguments) -> int:
    """Print a line for each, as it comes."""
    line = _line_of(args.format)
    since, until = moment(args.since), moment(args.until)
    with client_of(args) as client:
        for event in client.system.events(since=since, until=until, filters=filters_of(args.filter)):
            sys.stdout.write(f"{line(event)}\n")
            sys.stdout.flush()
    return 0


def _line_of(form: str) -> Callable[[Event], str]:
    template = read_format(form)
    if template:
        return lambda event: for_terminal(template.render(fields(event)))
    return (lambda event: json_text(fields(event))) if form else described


def described(event: Event) -> str:
    """Return an event's line: when, what kind, what, to whom, and what is known of that one."""
    import time

    seconds, nanoseconds = divmod(event.time_ns, 10**9)
    zone = time.strftime("%z", local := time.localtime(seconds))
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", local) + f".{nanoseconds:09}"
    known = ", ".join(f"{name}={value}" for name, value in sorted(event.actor.attributes.items()))
    words = [moment + ("Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"), event.kind, event.action, event.actor.id]
    return printable(" ".join([*words, f"({known})"] if known else words))


def fields(event: Event) -> Struct:
    """Return an event's fields for a template."""
    found = _Fields({name: event.json.get(key, 0 if name in NUMBERS else "") for name, key in FIELDS.items()})
    found["Actor"] = Struct({"ID": event.actor.id, "Attributes": dict(event.actor.attributes)})
    found.json = {name: found["Actor"] if name == "Actor" else value for name, value in event.json.items()}
    return found
