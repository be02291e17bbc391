"""`labcore container inspect`: containers as JSON."""

import argparse
import json
from typing import Any

from labcore.cli import for_each
from labcore.daemon.wire.container import inspect
from labcore.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "A JSON list, with the fields of docker's as far as there is something to say."
    parser.add_argument("-s", "--size", action="store_true", help="say how many bytes it has written (SizeRw)")
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """Print all that is known of containers."""
    engine, found = Engine(args.root), list[dict[str, Any]]()
    status = for_each(args.containers, lambda name: found.append(inspect(engine, name, size=args.size)))
    print(json.dumps(found, indent=4))
    return status
