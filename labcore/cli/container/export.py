"""`labcore container export`: a container's files as one archive."""

import argparse
import sys

from labcore.engine import Engine
from labcore.engine.container.files import container_files
from labcore.errors import InvalidInput


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "What is mounted in a container, /proc and volumes among it, is left out."
    parser.add_argument("-o", "--output", metavar="FILE", help="where the archive goes (default: standard output)")
    parser.add_argument("container", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """Write all files as one archive."""
    if args.output is None and sys.stdout.isatty():
        raise InvalidInput("an archive is nothing for a terminal: name a file, -o FILE, or write it into a pipe")
    with container_files(Engine(args.root), args.container, mounts=False) as files:
        if args.output is None:
            sys.stdout.buffer.writelines(files.export())
            return 0
        with open(args.output, "wb") as file:  # noqa: PTH123
            file.writelines(files.export())
    return 0
