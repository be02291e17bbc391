"""`labcore image load`: images from an archive."""

import argparse
import os
import sys
from pathlib import Path

from labcore.engine import Engine
from labcore.engine.image.archives import load
from labcore.errors import InvalidInput


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "It reads what `docker save`, `podman save`, `skopeo copy` and `labcore save` write: Docker's archives, OCI layouts "
        "in archives, and as directories; gzip, zstd, bzip2 and xz around them are taken off. An image without a name is "
        "kept under its ID."
    )
    parser.add_argument("-i", "--input", type=Path, metavar="FILE|DIR", help="the archive (default: standard input)")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing")


def main(args: argparse.Namespace) -> int:
    """Load them; an ordinary user's layers are unpacked by `run`, who is root of a user namespace."""
    if args.input is None and sys.stdin.isatty():
        raise InvalidInput("standard input is a terminal, and an archive is wanted: labcore load -i FILE")
    engine = Engine(args.root)
    found = load(engine.images, args.input or sys.stdin.buffer, layers=engine.layers if os.geteuid() == 0 else None)
    if not args.quiet:
        for entry in found:
            for name in entry.names:
                print(f"Loaded image: {name}")
            if not entry.names:
                print(f"Loaded image ID: {entry.images[0].id}")
    return 0
