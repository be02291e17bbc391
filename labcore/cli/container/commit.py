"""`labcore commit`: an image of a snapshot."""

import argparse

from labcore.engine import Engine
from labcore.spec import Reference


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "The image has the layers of the image below, and one more: what `labcore diff` lists."
    parser.add_argument(
        "-c",
        "--change",
        action="append",
        default=[],
        metavar="INSTRUCTION",
        help="how it is to be run, as in a Dockerfile: 'CMD [\"sh\"]', 'ENV A=b', …; may be repeated",
    )
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="what was done, for the image's history")
    parser.add_argument("-a", "--author", default="", metavar="WHO", help="who did it")
    parser.add_argument("snapshot", metavar="SNAPSHOT")
    parser.add_argument("image", metavar="IMAGE", help="the new image's name")


def main(args: argparse.Namespace) -> int:
    """Make it."""
    from labcore.engine.commit import commit

    engine, reference = Engine(args.root), Reference.parse(args.image)
    image = commit(engine, args.snapshot, reference, changes=args.change, message=args.message, author=args.author)
    print(f"{image.name}  {image.size / 1e6:.1f} MB  {image.descriptor.digest[:19]}…")
    return 0
