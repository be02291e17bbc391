"""`labcore container prune`: remove stopped containers."""

import argparse

from labcore.cli.confirm import confirmed
from labcore.cli.formatting import size
from labcore.engine import Engine
from labcore.engine.prune import prune_containers

STOPPED = "all stopped containers"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")


def main(args: argparse.Namespace) -> int:
    """Ask, on a terminal; then remove all containers that do not run."""
    if not confirmed(args, STOPPED):
        return 1
    freed = prune_all_containers(Engine(args.root))
    print(f"Total reclaimed space: {size(freed)}")
    return 0


def prune_all_containers(engine: Engine) -> int:
    """Remove them, and print their IDs; return how many bytes that frees."""
    removed = prune_containers(engine)
    for id in removed.ids:
        print(f"Deleted container: {id}")
    return removed.size
