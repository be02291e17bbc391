"""`labcore volume rm`: remove volumes."""

from labcore.cli import for_each
from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--force", action="store_true", help="do not mind those that there are not")
    parser.add_argument("names", nargs="+", metavar="VOLUME")


def main(args: Arguments) -> int:
    """Remove some, with all that is in them, and print their names."""
    with client_of(args) as client:

        def remove(name: str) -> None:
            client.volumes.remove(name, force=args.force)
            print(name)

        return for_each(args.names, remove)
