"""`labcore container prune`."""

import argparse

from labcore.cli.confirm import confirmed
from labcore.cli.formatting import size
from labcore.engine import Engine
from labcore.engine.prune import prune_containers


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")


def main(args: argparse.Namespace) -> int:
    """Ask, on a terminal; then remove all containers that do not run."""
    if not confirmed(args, "all stopped containers"):
        return 1
    removed = prune_containers(Engine(args.root))
    for id in removed.ids:
        print(f"Deleted container: {id}")
    print(f"Total reclaimed space: {size(removed.size)}")
    return 0
