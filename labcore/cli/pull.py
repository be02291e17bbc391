"""`labcore pull`: an image from a registry."""

import argparse
import sys

from labcore.engine import Engine
from labcore.engine.transfer import Progress, endpoint, pull
from labcore.spec import Reference


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("image", metavar="IMAGE", help="[REGISTRY/]NAME[:TAG]")
    parser.add_argument("--plain-http", action="store_true", help="speak to the registry without TLS (on loopback: always)")


def main(args: argparse.Namespace) -> int:
    """Get it, showing how far it is."""
    reference = Reference.parse(args.image)
    where = endpoint(reference, insecure=True if args.plain_http else None)
    for progress in pull(Engine(args.root).images, reference, where):
        show(progress)
    print(f"{reference}: pulled")
    return 0


def show(progress: Progress) -> None:
    """Print what has been done; on a terminal also how far the rest is."""
    line = f"{progress.digest[7:19]}  {progress.what}"
    if progress.what in ("done", "is there"):
        print(line.ljust(40))
    elif sys.stderr.isatty() and progress.total:
        print(f"{line} {100 * progress.done // progress.total:3} %", end="\r", file=sys.stderr, flush=True)
