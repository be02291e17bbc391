"""`labcore volume ls`: list volumes."""

from __future__ import annotations

from labcore.cli.connection import client_of
from labcore.cli.formatting import natural_order
from labcore.cli.listing import Listing, add_filter, add_format, filters_of, show
from labcore.cli.volume.rows import HEADS, row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.cli.flags import Arguments, Parser


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "Filters: dangling, driver, label, name; as docker's. labcore system df -v shows their sizes."
    add_filter(parser)
    add_format(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="print names only")


def main(args: Arguments) -> int:
    """List them by their names."""
    with client_of(args) as client:
        found = sorted(client.volumes.list(filters=filters_of(args.filter)), key=lambda each: natural_order(each.name))
    show(Listing(HEADS, ("Driver", "Name"), quiet="Name"), [row(each) for each in found], args.format, quiet=args.quiet)
    return 0
