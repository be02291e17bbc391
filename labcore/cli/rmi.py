"""`labcore rmi`: images go."""

import argparse

from labcore.engine import Engine
from labcore.engine.tidying import remove_image


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "A name goes; with its last one the image goes too, and what it shares with no other. An ID means all names."
    )
    parser.add_argument("-f", "--force", action="store_true", help="also if it has several names, or is in use")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="a name, or an ID")


def main(args: argparse.Namespace) -> int:
    """Remove them, saying what is gone."""
    engine = Engine(args.root)
    for text in args.images:
        removal = remove_image(engine, text, force=args.force)
        for name in removal.untagged:
            print(f"Untagged: {name}")
        for digest in removal.deleted:
            print(f"Deleted: {digest}")
    return 0
