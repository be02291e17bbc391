"""`labcore image rm`: remove images."""

import argparse
import sys

from labcore.cli import for_each
from labcore.engine import Engine
from labcore.engine.image.remove import Removal, remove_image


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "A name goes; with its last one the image goes too, and what it shares with no other. An ID means all names."
    )
    parser.add_argument(
        "-f", "--force", action="store_true", help="also if it has several names, or containers that do not run"
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="a name, or an ID")


def main(args: argparse.Namespace) -> int:
    """Remove them, saying what is gone."""
    engine = Engine(args.root)
    return for_each(args.images, lambda text: _said(remove_image(engine, text, force=args.force)))


def _said(removal: Removal) -> None:
    show(removal)
    for why in removal.kept:
        print(why, file=sys.stderr)


def show(removal: Removal) -> None:
    """Say what is gone, in docker's words."""
    for each in removal.gone:
        print(f"{'Untagged' if each.untagged else 'Deleted'}: {each.what}")
