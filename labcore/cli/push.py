"""`labcore push`: an image to a registry."""

import argparse

from labcore.cli.pull import show
from labcore.engine import Engine
from labcore.engine.transfer import endpoint, push
from labcore.spec import Reference


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("image", metavar="IMAGE", help="[REGISTRY/]NAME[:TAG]")
    parser.add_argument("--plain-http", action="store_true", help="speak to the registry without TLS (on loopback: always)")


def main(args: argparse.Namespace) -> int:
    """Send it, showing how far it is."""
    reference = Reference.parse(args.image)
    where = endpoint(reference, insecure=True if args.plain_http else None)
    for progress in push(Engine(args.root).images, reference, where):
        show(progress)
    print(f"{reference}: pushed")
    return 0
