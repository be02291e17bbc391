"""`labcore prune`: what nobody needs goes."""

import argparse
import sys

from labcore.cli.words import size
from labcore.engine import Engine
from labcore.engine.prune import prune


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "Removed are images without a name, blobs that no image leads to, unpacked layers that no image and no running "
        "container needs, and what writers have left that were killed. What is being pulled or loaded stays."
    )
    parser.add_argument("-a", "--all", action="store_true", help="remove also images with a name that no container uses")
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")


def main(args: argparse.Namespace) -> int:
    """Ask, on a terminal; then remove, and say what was freed."""
    if not args.force and sys.stdin.isatty() and not _agreed(args.all):
        return 1
    pruned = prune(Engine(args.root), every=args.all)
    for name in pruned.images:
        print(f"Deleted: {name}")
    print(f"blobs: {pruned.blobs.blobs} removed, {size(pruned.blobs.size)}")
    print(f"unpacked layers: {pruned.layers.layers} removed, {size(pruned.layers.size)}")
    for why in pruned.kept:
        print(why, file=sys.stderr)
    print(f"Total reclaimed space: {size(pruned.blobs.size + pruned.layers.size)}")
    return 0


def _agreed(every: bool) -> bool:
    what = "all images that no running container uses" if every else "images without a name"
    print(f"This removes {what}, and all blobs and unpacked layers that no image needs. Go on? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
