"""`labcore container diff`: list what a container has changed in its files."""

import argparse
import os
import sys

from labcore.engine import Engine
from labcore.engine.container.files import diff

LETTERS = {"added": "A", "changed": "C", "deleted": "D"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "A: added, C: changed, D: deleted, as docker says it. The container may run meanwhile."
    parser.add_argument("container", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """List what was changed."""
    for change in diff(Engine(args.root), args.container):
        sys.stdout.buffer.write(f"{LETTERS[change.kind]} ".encode() + os.fsencode(change.path) + b"\n")
    return 0
