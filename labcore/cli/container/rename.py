"""`labcore container rename`: give a container another name."""

import argparse

from labcore.cli.connection import client_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("container", metavar="CONTAINER")
    parser.add_argument("name", metavar="NAME")


def main(args: argparse.Namespace) -> int:
    """Give it another name."""
    with client_of(args) as client:
        client.containers.rename(args.container, args.name)
    return 0
