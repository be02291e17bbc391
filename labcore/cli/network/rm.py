"""`labcore network rm`: remove networks."""

import argparse
from contextlib import suppress

from labcore.cli import for_each
from labcore.engine import Engine
from labcore.engine.network.objects import remove_network
from labcore.errors import NotFound


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--force", action="store_true", help="do not mind those that there are not")
    parser.add_argument("names", nargs="+", metavar="NETWORK")


def main(args: argparse.Namespace) -> int:
    """Remove some, and print their names."""
    engine = Engine(args.root)

    def remove(name: str) -> None:
        with suppress(*([NotFound] if args.force else [])):
            remove_network(engine, name)
            print(name)

    return for_each(args.names, remove)
