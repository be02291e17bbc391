"""`labcore image ls`: list images, under each of their names."""

from __future__ import annotations

from labcore.cli.connection import client_of
from labcore.cli.image.rows import listing, rows
from labcore.cli.listing import add_filter, add_format, filters_of, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "Filters: dangling, label, before, since, until, reference; as docker's."
    parser.add_argument("-a", "--all", action="store_true", help="list those too that only others are made of")
    parser.add_argument("--digests", action="store_true", help="print the digests of the manifests too")
    add_filter(parser)
    add_format(parser)
    parser.add_argument("--no-trunc", action="store_true", help="print IDs whole")
    parser.add_argument("-q", "--quiet", action="store_true", help="print IDs only")
    parser.add_argument("name", nargs="?", metavar="NAME[:TAG]", help="only these")


def main(args: argparse.Namespace) -> int:
    """List them, the newest first."""
    filters = filters_of(args.filter)
    if args.name:
        filters["reference"] = [args.name]
    with client_of(args) as client:
        found = client.images.list(all=args.all, filters=filters)
    lines = list(rows(found, whole=args.no_trunc, digests=args.digests))
    show(listing(digests=args.digests), lines, args.format, quiet=args.quiet)
    return 0
