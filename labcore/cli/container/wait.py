"""`labcore container wait`: wait until containers stop, and print their exit codes."""

import argparse

from labcore.cli import for_each
from labcore.engine import Engine
from labcore.engine.containers import wait


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """Wait until they have ended, one after another, and print their exit codes."""
    engine = Engine(args.root)
    return for_each(args.containers, lambda name: print(wait(engine, name), flush=True))
