"""`labcore container pause`: stop all processes of containers where they are."""

import argparse

from labcore.cli import for_each
from labcore.cli.connection import client_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """Pause them, and print their names."""
    with client_of(args) as client:

        def act(name: str) -> None:
            client.containers.pause(name)
            print(name)

        return for_each(args.containers, act)
