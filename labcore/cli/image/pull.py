"""`labcore image pull`: download an image from a registry."""

import argparse
import os

from labcore.cli import transfer
from labcore.engine import Engine
from labcore.spec import Platform, Reference


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    transfer.arguments(parser)
    parser.add_argument("--platform", metavar="OS/ARCH", help="of several, the image for this machine (default: like this one)")


def main(args: argparse.Namespace) -> int:
    """Get it, showing how far it is. An ordinary user's layers are unpacked by `run`, who is root of a user namespace."""
    reference = Reference.parse(args.image)
    platform = Platform.parse(args.platform) if args.platform else None
    where = transfer.endpoint_of(args, reference)
    coming = Engine(args.root).pull(reference, where, platform=platform, unpack=os.geteuid() == 0)
    transfer.carry_out(coming, args, if_stopped="what has come is kept, and the same command goes on from there")
    print(reference if args.quiet else f"{reference}: pulled")
    return 0
