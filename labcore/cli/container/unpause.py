"""`labcore container unpause`: let paused containers go on."""

import argparse

from labcore.cli import for_each
from labcore.engine import Engine
from labcore.engine.container.pause import unpause


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """Let them go on, and print their names."""
    engine = Engine(args.root)

    def act(name: str) -> None:
        unpause(engine, name)
        print(name)

    return for_each(args.containers, act)
