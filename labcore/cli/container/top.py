"""`labcore container top`: the processes of a container."""

from __future__ import annotations

from labcore.cli.connection import client_of
from labcore.cli.formatting import aligned, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.cli.flags import Arguments, Parser

COLUMN_MIN: Final = 20  # characters


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "Options are those of ps(1), such as: labcore top web -o pid,comm. Without a container all are shown, with what they "
        "use and what happens to them, until q is pressed."
    )
    parser.add_argument("container", nargs="?", metavar="CONTAINER")
    parser.add_argument("options", nargs="...", metavar="OPTION", help="what to show of them, as ps(1) has it")


def main(args: Arguments) -> int:
    """Print them; or show all containers, live."""
    with client_of(args) as client:
        if args.container is None:
            from labcore.cli.container.live import show  # which needs the terminal's modules

            return show(client)
        found = client.containers.top(args.container, " ".join(args.options))
    rows = [[printable(cell) for cell in row] for row in (found.titles, *found.processes)]
    print("\n".join(aligned(rows, least=COLUMN_MIN)))
    return 0
