"""What `pull` and `push` share."""

import argparse
import sys
from collections.abc import Callable, Iterator

from labcore.engine import Engine
from labcore.engine.transfer import Progress, endpoint
from labcore.images import ImageStore
from labcore.registry.transport import Endpoint
from labcore.spec import Reference


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("image", metavar="IMAGE", help="[REGISTRY/]NAME[:TAG]")
    parser.add_argument("--plain-http", action="store_true", help="speak to the registry without TLS (on loopback: always)")


def carry(
    args: argparse.Namespace, way: Callable[[ImageStore, Reference, Endpoint], Iterator[Progress]], said: str
) -> int:  # fmt: skip
    """Have an image go its way; print what has been done, and on a terminal how far the rest is."""
    reference = Reference.parse(args.image)
    where = endpoint(reference, insecure=True if args.plain_http else None)
    for progress in way(Engine(args.root).images, reference, where):
        line = f"{progress.digest[7:19]}  {progress.what}"
        if progress.what in ("done", "is there"):
            print(line)
        elif sys.stderr.isatty() and progress.total:
            print(f"\033[K{line} {100 * progress.done // progress.total:3} %", end="\r", file=sys.stderr, flush=True)
    print(f"{reference}: {said}")
    return 0
