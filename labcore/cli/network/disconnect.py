"""`labcore network disconnect`: disconnect a container from a network."""

import argparse

from labcore.cli.connection import client_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--force", action="store_true", help="also one that is no more")
    parser.add_argument("network", metavar="NETWORK")
    parser.add_argument("container", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """Disconnect it."""
    with client_of(args) as client:
        client.networks.disconnect(args.network, args.container, force=args.force)
    return 0
