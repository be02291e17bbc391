"""`labcore network rm`: remove networks."""

from contextlib import suppress

from labcore.cli import for_each
from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.errors import NotFound


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--force", action="store_true", help="do not mind those that there are not")
    parser.add_argument("names", nargs="+", metavar="NETWORK")


def main(args: Arguments) -> int:
    """Remove some, and print their names."""
    with client_of(args) as client:

        def remove(name: str) -> None:
            with suppress(*([NotFound] if args.force else [])):
                client.networks.remove(name)
                print(name)

        return for_each(args.names, remove)
