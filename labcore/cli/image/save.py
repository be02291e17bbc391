"""`labcore image save`: write images into an archive."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from labcore.atomic import PendingFile
from labcore.engine import Engine
from labcore.errors import InvalidInput
from labcore.images.archive.writing import FORMATS, save
from labcore.spec import Platform


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "The archive is an OCI layout and Docker's format at once: docker, podman, skopeo and `labcore load` read it. "
        "The same images give the same bytes. Layers are written as they are kept, but for Docker's format without zstd."
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where (default: standard output)")
    parser.add_argument("--format", choices=FORMATS, default="docker", help="docker: both (default); oci: an OCI layout only")
    parser.add_argument("--platform", metavar="OS/ARCH", help="of several, the image for this machine alone (default: all)")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="a name, or an ID")


def main(args: argparse.Namespace) -> int:
    """Write it."""
    store = Engine(args.root).images
    platform = Platform.parse(args.platform) if args.platform else None
    with _output(args.output) as out:
        save(store, args.images, out, platform=platform, form=args.format)
    return 0


@contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    """Yield where the archive goes. A file gets its name when all is written; a device or a pipe is written to."""
    if path is None:
        if sys.stdout.isatty():
            raise InvalidInput("an archive is nothing for a terminal: labcore save -o FILE …, or labcore save … > FILE")
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
