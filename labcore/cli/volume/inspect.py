"""`labcore volume inspect`: volumes, as JSON or by a template."""

from __future__ import annotations

from labcore.cli.connection import client_of
from labcore.cli.inspection import FORMAT_HELP, inspect_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.cli.flags import Arguments, Parser


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--format", default="", metavar="FORMAT", help=FORMAT_HELP)
    parser.add_argument("names", nargs="+", metavar="VOLUME")


def main(args: Arguments) -> int:
    """Print all that is known of them."""
    with client_of(args) as client:
        return inspect_each(args.names, lambda name: ("volume", client.volumes.inspect(name).json), args.format)
