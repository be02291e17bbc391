"""`labcore snapshot ls`: list snapshots."""

import argparse

from labcore.cli.formatting import show_table, size
from labcore.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "`labcore run --snapshot NAME IMAGE` makes one; diff, cp, export and commit look into it."
    parser.add_argument("-q", "--quiet", action="store_true", help="print names only")


def main(args: argparse.Namespace) -> int:
    """List them, with the image that each was made of and what it takes on disk."""
    store = Engine(args.root).snapshots
    readable = store.readable()
    snapshots = [snapshot for snapshot in readable if not snapshot.throw_away]
    damaged = sorted({*store.names()} - {snapshot.name for snapshot in readable})
    if args.quiet:
        print("".join(f"{name}\n" for name in [*(snapshot.name for snapshot in snapshots), *damaged]), end="")
        return 0
    rows = [[snapshot.name, size(store.usage(snapshot)), snapshot.image] for snapshot in snapshots]
    rows += [[name, "damaged", f"labcore snapshot rm {name}"] for name in damaged]
    show_table(["SNAPSHOT", "SIZE", "IMAGE"], rows, right=["SIZE"])
    return 0
