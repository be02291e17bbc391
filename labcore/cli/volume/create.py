"""`labcore volume create`: make a volume."""

import argparse

from labcore.engine import Engine
from labcore.engine.volume.objects import create_volume
from labcore.errors import InvalidInput


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "`labcore run -v NAME:/path …` makes a volume too, if it is missing."
    parser.add_argument("--label", action="append", default=[], metavar="NAME=VALUE", help="note this beside it")
    parser.add_argument("name", nargs="?", metavar="NAME", help="its name (default: a random one; it is anonymous then)")


def main(args: argparse.Namespace) -> int:
    """Make one, or find the one of that name; print its name."""
    pairs = [label.partition("=") for label in args.label]
    if any(not name for name, _, _ in pairs):
        raise InvalidInput("--label NAME=VALUE")
    print(create_volume(Engine(args.root), args.name, labels=[(name, value) for name, _, value in pairs]).name)
    return 0
