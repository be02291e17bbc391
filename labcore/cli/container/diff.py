"""`labcore container diff`: list what a container has changed in its files."""

import os
import sys

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser

LETTERS = ("C", "A", "D")  # by the number of a change's kind


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "A: added, C: changed, D: deleted, as docker says it. The container may run meanwhile."
    parser.add_argument("container", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """List what was changed."""
    with client_of(args) as client:
        for change in client.containers.changes(args.container):
            sys.stdout.buffer.write(f"{LETTERS[change.kind]} ".encode() + os.fsencode(change.path) + b"\n")
    return 0
