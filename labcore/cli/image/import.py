"""`labcore image import`: an image of a root file system."""

import sys
from pathlib import Path

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.cli.image.load import chunks
from labcore.spec import Reference


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "It becomes the only layer of the image, and knows no command to run, unless a change says one."
    parser.add_argument(
        "file", metavar="FILE|-", help="a tar archive, plain or compressed by gzip, zstd, bzip2 or xz; - is standard input"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the image's name (default: none; it is kept under its ID)")
    parser.add_argument(
        "-c", "--change", action="append", default=[], metavar="INSTRUCTION",
        help="a Dockerfile's instruction for its config, such as 'ENV A=b' or 'CMD [\"sh\"]'; may be repeated",
    )  # fmt: skip
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="what its history says")
    parser.add_argument("--platform", default="", metavar="OS/ARCH", help="for which machine its programs are")


def main(args: Arguments) -> int:
    """Make it, and print its ID."""
    name = Reference.parse(args.name) if args.name else None
    with sys.stdin.buffer if args.file == "-" else Path(args.file).open("rb", buffering=0) as source, client_of(args) as client:
        steps = client.images.import_archive(
            chunks(source),
            repository=str(name.replace(tag=None)) if name else "",
            tag=(name and name.tag) or "",
            message=args.message,
            changes=args.change,
            platform=args.platform,
        )
        *_, last = steps
    print(last.status)
    return 0
