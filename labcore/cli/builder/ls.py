"""`labcore builder ls`: the steps that builds have left in the cache."""

from __future__ import annotations

from labcore.cli.builder.rows import HEADS, row
from labcore.cli.connection import client_of
from labcore.cli.formatting import moment_of
from labcore.cli.listing import Listing, add_format, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.cli.flags import Arguments, Parser

COLUMNS: Final = ("ID", "Description", "CreatedSince", "LastUsedSince", "UsageCount", "Size")
LISTING: Final = Listing(HEADS, COLUMNS, elastic="Description")


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "A build takes what it finds here; `labcore builder prune` removes it."
    add_format(parser)
    parser.add_argument("--no-trunc", action="store_true", help="print IDs and descriptions whole")
    parser.add_argument("-q", "--quiet", action="store_true", help="print IDs alone")


def main(args: Arguments) -> int:
    """List them, the newest first."""
    with client_of(args) as client:
        records = client.system.disk_usage(["build-cache"]).build_cache
    newest = sorted(records, key=lambda each: moment_of(each.created), reverse=True)
    listing = LISTING.replace(elastic="") if args.no_trunc else LISTING
    show(listing, [row(each, whole=args.no_trunc or args.quiet) for each in newest], args.format, quiet=args.quiet)
    return 0
