"""`labcore container rename`: give a container another name."""

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("container", metavar="CONTAINER")
    parser.add_argument("name", metavar="NAME")


def main(args: Arguments) -> int:
    """Give it another name."""
    with client_of(args) as client:
        client.containers.rename(args.container, args.name)
    return 0
