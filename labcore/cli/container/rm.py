"""`labcore container rm`: remove containers."""

import argparse
from contextlib import suppress

from labcore.cli import for_each
from labcore.cli.connection import client_of
from labcore.errors import NotFound


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "-f", "--force", action="store_true", help="also one that runs (it is killed), or whose record is damaged"
    )
    parser.add_argument("-l", "--link", action="store_true", help="remove the link of that name, not the container")
    parser.add_argument("-v", "--volumes", action="store_true", help="remove its anonymous volumes too")
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """Remove them, with all that they have written, and print their names."""
    with client_of(args) as client:

        def act(name: str) -> None:
            with suppress(*([NotFound] if args.force else [])):
                client.containers.remove(name, force=args.force, volumes=args.volumes, link=args.link)
                print(name)

        return for_each(args.containers, act)
