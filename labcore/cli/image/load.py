"""`labcore image load`: images from an archive."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.cli.progress import show
from labcore.errors import InvalidInput

CHUNK_SIZE = 1 << 20


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "It reads what `docker save`, `podman save`, `skopeo copy` and `labcore save` write: Docker's archives, OCI layouts; "
        "gzip, zstd, bzip2 and xz around them are taken off. An image without a name is kept under its ID."
    )
    parser.add_argument("-i", "--input", type=Path, metavar="FILE", help="the archive (default: standard input)")
    parser.add_argument("--platform", default="", metavar="OS/ARCH", help="of several, the images for this machine alone")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not show how far it is")


def main(args: Arguments) -> int:
    """Load them, and say which."""
    if args.input is None and sys.stdin.isatty():
        raise InvalidInput("standard input is a terminal, and an archive is wanted: labcore load -i FILE")
    with sys.stdin.buffer if args.input is None else args.input.open("rb", buffering=0) as archive, client_of(args) as client:
        quiet = args.quiet or not sys.stdout.isatty()
        show(client.images.load(chunks(archive), quiet=quiet, platform=args.platform), sys.stdout)
    return 0


def chunks(source: BinaryIO) -> Iterator[bytes]:
    """Yield a file's content, to its end."""
    while chunk := source.read(CHUNK_SIZE):
        yield chunk
