"""`labcore container inspect`: containers, as JSON or by a template."""

from __future__ import annotations

from labcore.cli.connection import client_of
from labcore.cli.inspection import FORMAT_HELP, inspect_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.cli.flags import Arguments, Parser


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--format", default="", metavar="FORMAT", help=FORMAT_HELP)
    parser.add_argument("-s", "--size", action="store_true", help="say how many bytes it has written (SizeRw)")
    parser.add_argument("names", nargs="+", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """Print all that is known of them."""
    with client_of(args) as client:
        return inspect_each(
            args.names, lambda name: ("container", client.containers.inspect(name, size=args.size).json), args.format
        )
