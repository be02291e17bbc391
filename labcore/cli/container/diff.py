"""`labcore diff`: what was changed."""

import argparse
import os
import sys

from labcore.engine import Engine

LETTERS = {"added": "A", "changed": "C", "deleted": "D"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "A: added, C: changed, D: deleted, as docker says it. The container may run meanwhile."
    parser.add_argument("snapshot", metavar="SNAPSHOT")


def main(args: argparse.Namespace) -> int:
    """List it."""
    snapshots = Engine(args.root).snapshots
    for change in snapshots.changes(snapshots.get(args.snapshot)):
        sys.stdout.buffer.write(f"{LETTERS[change.kind]} ".encode() + os.fsencode(change.path) + b"\n")
    return 0
