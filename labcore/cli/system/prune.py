"""`labcore system prune`: remove unused images, and with --volumes volumes."""

import argparse

from labcore.cli.confirm import confirmed
from labcore.cli.container.prune import STOPPED, prune_all_containers
from labcore.cli.image.prune import LEFT, NAMELESS, UNUSED
from labcore.cli.image.prune import prune as prune_images
from labcore.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "What is being pulled or loaded stays."
    parser.add_argument("-a", "--all", action="store_true", help="remove also images with a name that no container uses")
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")
    parser.add_argument("--volumes", action="store_true", help="remove anonymous volumes that no container uses, too")


def main(args: argparse.Namespace) -> int:
    """Ask, on a terminal; then remove, and say what was freed."""
    volumes = ["anonymous volumes that no container uses"] if args.volumes else []
    if not confirmed(args, STOPPED, UNUSED if args.all else NAMELESS, LEFT, *volumes):
        return 1
    prune_all_containers(Engine(args.root))
    if args.volumes:
        from labcore.cli.volume.prune import prune_volumes

        prune_volumes(Engine(args.root), every=False)
    prune_images(Engine(args.root), every=args.all)
    return 0
