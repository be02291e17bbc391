"""`labcore snapshot`: what containers have written, and is kept."""

import argparse

from labcore.cli import for_each
from labcore.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "`labcore run --snapshot NAME IMAGE` makes one; diff, cp, export and commit look into it."
    what = parser.add_subparsers(metavar="WHAT", required=True)
    listing = what.add_parser("ls", help="list them, with the image that each was made of and what it takes on disk")
    listing.set_defaults(act=_list)
    removal = what.add_parser("rm", help="remove some")
    removal.add_argument("names", nargs="+", metavar="NAME")
    removal.set_defaults(act=_remove)


def main(args: argparse.Namespace) -> int:
    """Do it."""
    return int(args.act(Engine(args.root), args) or 0)


def _list(engine: Engine, args: argparse.Namespace) -> None:  # noqa: ARG001
    readable = engine.snapshots.readable()
    snapshots = [snapshot for snapshot in readable if not snapshot.throw_away]
    damaged = sorted({*engine.snapshots.names()} - {snapshot.name for snapshot in readable})
    width = max([len(snapshot.name) for snapshot in snapshots] + [8])
    print(f"{'SNAPSHOT':{width}}  {'SIZE':>9}  IMAGE")
    for snapshot in snapshots:
        print(f"{snapshot.name:{width}}  {engine.snapshots.usage(snapshot) / 1e6:6.1f} MB  {snapshot.image}")
    for name in damaged:
        print(f"{name:{width}}  {'damaged':>9}  labcore snapshot rm {name}")


def _remove(engine: Engine, args: argparse.Namespace) -> int:
    def remove(name: str) -> None:
        engine.snapshots.remove(name)
        print(name)

    return for_each(args.names, remove)
