"""`labcore container create`: a new container, which is not started."""

import argparse

from labcore.cli.container.cidfile import write_cidfile
from labcore.cli.container.run import container_arguments, container_options
from labcore.engine import Engine
from labcore.engine.container.create import create


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "`labcore start -ai` runs it then."
    container_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Make it, and print its ID."""
    container = create(Engine(args.root), container_options(args, stdin_once=args.open_stdin))
    if args.cidfile:
        write_cidfile(args.cidfile, container.id)
    print(container.id)
    return 0
