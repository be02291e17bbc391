"""`labcore push`: an image to a registry."""

import argparse

from labcore.cli.transfer import arguments, carry
from labcore.engine.transfer import push

__all__ = ["arguments", "main"]


def main(args: argparse.Namespace) -> int:
    """Send it, showing how far it is."""
    return carry(args, push, "pushed")
