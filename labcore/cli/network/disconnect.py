"""`labcore network disconnect`: disconnect a container from a network."""

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--force", action="store_true", help="also one that is no more")
    parser.add_argument("network", metavar="NETWORK")
    parser.add_argument("container", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """Disconnect it."""
    with client_of(args) as client:
        client.networks.disconnect(args.network, args.container, force=args.force)
    return 0
