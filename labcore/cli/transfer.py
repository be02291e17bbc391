"""Options of a registry's connection, and the progress of a pull or push."""

import argparse
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from labcore.cli.progress import ProgressDisplay
from labcore.engine import default_root
from labcore.engine.image.progress import Progress
from labcore.registry.registries import configured_endpoint
from labcore.registry.transport import Endpoint
from labcore.spec import Reference


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("image", metavar="IMAGE", help="[REGISTRY/]NAME[:TAG]")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not show how far it is")
    connection(parser)


def connection(parser: argparse.ArgumentParser) -> None:
    """Declare how a registry is spoken to."""
    parser.add_argument("--plain-http", action="store_true", help="speak to the registry without TLS (the default on loopback)")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="trust this authority's certificates, too (PEM)")


def endpoint_of(args: argparse.Namespace, reference: Reference) -> Endpoint:
    """Return where the registry is that the arguments mean."""
    return registry_endpoint(args, reference.registry)


def registry_endpoint(args: argparse.Namespace, registry: str) -> Endpoint:
    """Return where a registry is, and how the arguments, or `registries.toml`, say that it is spoken to."""
    file = (args.root or default_root()) / "registries.toml"
    return configured_endpoint(registry, file, insecure=True if args.plain_http else None, authority=args.ca)


def carry_out(progress_of: Iterator[Progress], args: argparse.Namespace, *, if_stopped: str) -> None:
    """Have an image go its way, and show it. Ctrl-C ends it in good order, and then `if_stopped` says what that means."""
    board = ProgressDisplay(sys.stdout, columns=shutil.get_terminal_size().columns)
    try:
        with closing(progress_of), closing(board):  # type: ignore[type-var]
            for progress in progress_of:
                if not args.quiet:
                    board.show(progress)
    except KeyboardInterrupt:
        print(f"stopped: {if_stopped}", file=sys.stderr)
        raise
