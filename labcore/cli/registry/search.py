"""`labcore registry search`: find images by a part of their names."""

import argparse
import os

from labcore.cli.numbers import whole
from labcore.cli.transfer import connection, registry_endpoint
from labcore.registry import credentials
from labcore.registry.search import LIMIT, search
from labcore.spec.reference import HUB, split_registry

VARIABLE = "LABCORE_SEARCH"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("term", metavar="[REGISTRY/]TERM", help="a part of a name, and where to look for it")
    parser.add_argument(
        "--limit", type=whole(1, LIMIT), default=25, metavar="N", help=f"at most so many (default: 25; up to {LIMIT})"
    )
    parser.add_argument("--no-trunc", action="store_true", help="show descriptions whole")
    connection(parser)
    parser.epilog = f"Where no registry is named, it is ${VARIABLE}, else docker.io."


def main(args: argparse.Namespace) -> int:
    """Ask the registry, and list what it has found."""
    registry, term = _where(args.term)
    endpoint = registry_endpoint(args, registry)
    prefix = "" if endpoint.registry == HUB else f"{endpoint.registry}/"
    found = search(endpoint, credentials.find(endpoint.registry), term, limit=args.limit)
    width = max([len(prefix + image.name) for image in found] + [4])
    print(f"{'NAME':{width}}  {'STARS':>6}  {'OFFICIAL':8}  DESCRIPTION")
    for image in found:
        text = image.description if args.no_trunc or len(image.description) <= 45 else image.description[:44] + "…"
        row = f"{prefix + image.name:{width}}  {image.stars:6}  {'[OK]' if image.official else '':8}  {text}"
        print(row.rstrip())
    return 0


def _where(text: str) -> tuple[str, str]:
    """Return the registry that is to be asked, and for what."""
    registry, term = split_registry(text)
    if registry != HUB:
        return registry, term
    first, _, rest = text.partition("/")
    return (HUB, rest) if first == HUB else (os.environ.get(VARIABLE) or HUB, text)
