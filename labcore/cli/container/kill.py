"""`labcore container kill`: send signals to containers."""

import argparse

from labcore.cli import for_each
from labcore.engine import Engine
from labcore.engine.containers import kill, signal_number


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-s", "--signal", default="KILL", metavar="SIGNAL", help="the signal to send (default: KILL)")
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """Send them a signal, and print their names."""
    engine, number = Engine(args.root), signal_number(args.signal)

    def act(name: str) -> None:
        kill(engine, name, number)
        print(name)

    return for_each(args.containers, act)
