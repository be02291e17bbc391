"""`labcore container pause`: stop all processes of containers where they are."""

from labcore.cli.at_once import for_each_at_once
from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """Pause them, and print their names."""
    with client_of(args) as client:
        return for_each_at_once(args.containers, client.containers.pause)
