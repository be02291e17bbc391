"""`labcore image import`: an image of a root file system."""

import argparse
import os
import sys
from pathlib import Path

from labcore.engine import Engine
from labcore.engine.image.archives import import_root
from labcore.spec import Platform, Reference


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "It becomes the only layer of the image, and knows no command to run, unless a change says one."
    parser.add_argument(
        "file", metavar="FILE", help="a tar archive, plain or compressed by gzip, zstd, bzip2 or xz; - is standard input"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the image's name (default: none; it is kept under its ID)")
    parser.add_argument(
        "-c", "--change", action="append", default=[], metavar="INSTRUCTION",
        help="a Dockerfile's instruction for its config, such as 'ENV A=b' or 'CMD [\"sh\"]'; may be repeated",
    )  # fmt: skip
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="what its history says")
    parser.add_argument("--platform", metavar="OS/ARCH", help="for which machine its programs are (default: like this one)")


def main(args: argparse.Namespace) -> int:
    """Make it, and print its ID."""
    engine = Engine(args.root)
    name = Reference.parse(args.name) if args.name else None
    platform = Platform.parse(args.platform) if args.platform else None
    with sys.stdin.buffer if args.file == "-" else Path(args.file).open("rb", buffering=0) as source:
        image = import_root(
            engine.images, source, args.file, name=name, changes=args.change, message=args.message, platform=platform,
            layers=engine.layers if os.geteuid() == 0 else None,
        )  # fmt: skip
    print(image.id)
    return 0
