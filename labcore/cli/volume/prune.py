"""`labcore volume prune`: remove unused volumes."""

import argparse

from labcore.cli.confirm import confirmed
from labcore.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-a", "--all", action="store_true", help="remove also those with a name that no container uses")
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")


def main(args: argparse.Namespace) -> int:
    """Ask, on a terminal; then remove the anonymous volumes that no container uses, or all that none uses."""
    which = "all volumes" if args.all else "all anonymous volumes"
    if not confirmed(args, f"{which} that no container uses"):
        return 1
    prune_volumes(Engine(args.root), every=args.all)
    return 0


def prune_volumes(engine: Engine, *, every: bool) -> None:
    """Remove them, and print their names."""
    from labcore.engine.volume.objects import prune_volumes as removed

    for volume in removed(engine, named=every)[0]:
        print(f"Deleted volume: {volume.name}")
