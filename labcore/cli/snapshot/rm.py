"""`labcore snapshot rm`: remove snapshots."""

import argparse

from labcore.cli import for_each
from labcore.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("names", nargs="+", metavar="SNAPSHOT")


def main(args: argparse.Namespace) -> int:
    """Remove some, and print their names."""
    snapshots = Engine(args.root).snapshots

    def remove(name: str) -> None:
        snapshots.remove(name)
        print(name)

    return for_each(args.names, remove)
