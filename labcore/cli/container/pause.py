"""`labcore container pause`: stop all processes of containers where they are."""

import argparse

from labcore.cli import for_each
from labcore.engine import Engine
from labcore.engine.container.pause import pause


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """Pause them, and print their names."""
    engine = Engine(args.root)

    def act(name: str) -> None:
        pause(engine, name)
        print(name)

    return for_each(args.containers, act)
