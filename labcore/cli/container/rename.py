"""`labcore container rename`: give a container another name."""

import argparse

from labcore.engine import Engine
from labcore.engine.containers import rename


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("container", metavar="CONTAINER")
    parser.add_argument("name", metavar="NAME")


def main(args: argparse.Namespace) -> int:
    """Give it another name."""
    rename(Engine(args.root), args.container, args.name)
    return 0
