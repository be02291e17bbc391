"""`labcore image prune`: remove unused images, and what only they needed."""

import argparse
import sys

from labcore.cli.confirm import confirmed
from labcore.cli.formatting import size
from labcore.cli.image.rm import show
from labcore.engine import Engine
from labcore.engine.image.remove import prune_images

NAMELESS = "images without a name"
UNUSED = "all images that no container uses"
LEFT = "blobs and unpacked layers that no image needs"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "With images go blobs that no image leads to, unpacked layers that no image and no container needs, and what "
        "writers have left that were killed. What is being pulled or loaded stays."
    )
    parser.add_argument("-a", "--all", action="store_true", help="remove also images with a name that no container uses")
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")


def main(args: argparse.Namespace) -> int:
    """Ask, on a terminal; then remove, and say what was freed."""
    if not confirmed(args, UNUSED if args.all else NAMELESS, LEFT):
        return 1
    prune(Engine(args.root), every=args.all)
    return 0


def prune(engine: Engine, *, every: bool) -> None:
    """Remove them, and say what was freed."""
    pruned = prune_images(engine, every=every)
    show(pruned)
    print(f"blobs: {pruned.blobs.blobs} removed, {size(pruned.blobs.size)}")
    print(f"unpacked layers: {pruned.layers.layers} removed, {size(pruned.layers.size)}")
    for why in pruned.kept:
        print(why, file=sys.stderr)
    print(f"Total reclaimed space: {size(pruned.blobs.size + pruned.layers.size)}")
