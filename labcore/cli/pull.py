"""`labcore pull`: an image from a registry."""

import argparse

from labcore.cli.transfer import arguments, carry
from labcore.engine.transfer import pull

__all__ = ["arguments", "main"]


def main(args: argparse.Namespace) -> int:
    """Get it, showing how far it is."""
    return carry(args, pull, "pulled")
