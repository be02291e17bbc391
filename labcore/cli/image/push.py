"""`labcore image push`: upload an image to a registry."""

import argparse

from labcore.cli import transfer
from labcore.cli.transfer import arguments
from labcore.engine import Engine
from labcore.spec import Reference

__all__ = ["arguments", "main"]


def main(args: argparse.Namespace) -> int:
    """Send it, showing how far it is."""
    reference = Reference.parse(args.image)
    going = Engine(args.root).push(reference, transfer.endpoint_of(args, reference))
    transfer.carry_out(going, args, if_stopped="the registry has no new image, and nothing that is half sent")
    print(reference if args.quiet else f"{reference}: pushed")
    return 0
