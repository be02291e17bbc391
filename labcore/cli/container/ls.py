"""`labcore container ls`: list containers."""

from __future__ import annotations

import sys

from labcore.cli.connection import client_of
from labcore.cli.container.rows import listing, row
from labcore.cli.listing import add_filter, add_format, filters_of, show
from labcore.cli.numbers import integer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.cli.flags import Arguments, Parser


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "Filters: id, name, status, exited, label, ancestor, network, volume and so on, as docker's."
    parser.add_argument("-a", "--all", action="store_true", help="list those too that do not run")
    add_filter(parser)
    add_format(parser)
    parser.add_argument("-n", "--last", type=integer, default=-1, metavar="N", help="list the N that were created last")
    parser.add_argument("-l", "--latest", action="store_true", help="list the one that was created last")
    parser.add_argument("--no-trunc", action="store_true", help="print IDs and commands whole")
    parser.add_argument("-q", "--quiet", action="store_true", help="print IDs only")
    parser.add_argument("-s", "--size", action="store_true", help="print how many bytes each has written")


def main(args: Arguments) -> int:
    """List them, the newest first."""
    form, limit = args.format, args.last if args.last >= 0 else int(args.latest)
    if args.quiet and form:
        print("WARNING: Ignoring custom format, because both --format and --quiet are set.", file=sys.stderr)
        form = ""
    with client_of(args) as client:
        found = client.containers.list(
            all=args.all, limit=limit, size=args.size or ".Size" in form, filters=filters_of(args.filter)
        )
    show(listing(size=args.size), [row(each, whole=args.no_trunc) for each in found], form, quiet=args.quiet)
    return 0
