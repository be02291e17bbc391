"""`labcore container create`: a new container, which is not started."""

import argparse

from labcore.cli.container.run import container_arguments, create_options_of
from labcore.engine import Engine
from labcore.engine.containers import create


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "`labcore start -ai` runs it then."
    parser.add_argument("--rm", action="store_true", help="remove it when it has ended")
    container_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Make it, and print its ID."""
    print(create(Engine(args.root), create_options_of(args)).id)
    return 0
