"""`labcore image save`: write images into an archive."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from labcore.atomic import PendingFile
from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.errors import InvalidInput


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "The archive is an OCI layout and Docker's format at once: docker, podman, skopeo and `labcore load` read it. "
        "The same images give the same bytes."
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where (default: standard output)")
    parser.add_argument(
        "--platform", default="", metavar="OS/ARCH", help="of several, the image for this machine alone (default: all)"
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="a name, or an ID")


def main(args: Arguments) -> int:
    """Write it."""
    with client_of(args) as client, output(args.output, "save") as out:
        for piece in client.images.save(*args.images, platform=args.platform):
            out.write(piece)
    return 0


@contextmanager
def output(path: Path | None, command: str) -> Iterator[BinaryIO]:
    """Yield where an archive goes. A file gets its name when all is written; a device or a pipe is written to."""
    if path is None:
        if sys.stdout.isatty():
            raise InvalidInput(
                f"an archive is nothing for a terminal: labcore {command} -o FILE …, or labcore {command} … > FILE"
            )
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.exists() and not path.is_file():
        with path.open("wb") as out:
            yield out
        return
    with PendingFile(path.parent) as pending:
        yield pending.file
        pending.commit(path.name)
