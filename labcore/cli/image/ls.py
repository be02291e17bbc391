"""`labcore image ls`: list images, under each of their names."""

from __future__ import annotations

from labcore.cli.connection import client_of
from labcore.cli.image.rows import listing, rows
from labcore.cli.listing import add_filter, add_format, filters_of, show
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.cli.flags import Arguments, Parser


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "Filters: dangling, label, before, since, until, reference; as docker's."
    parser.add_argument("-a", "--all", action="store_true", help="list those too that only others are made of")
    parser.add_argument("--digests", action="store_true", help="print the digests of the manifests too")
    add_filter(parser)
    add_format(parser)
    parser.add_argument("--no-trunc", action="store_true", help="print IDs whole")
    parser.add_argument("-q", "--quiet", action="store_true", help="print IDs only")
    parser.add_argument("--tree", action="store_true", help="list each image once, with its names, its platform and its use")
    parser.add_argument("name", nargs="?", metavar="NAME[:TAG]", help="only these")


def main(args: Arguments) -> int:
    """List them, the newest first."""
    if args.tree:
        _check_alone(args)
    filters = filters_of(args.filter)
    if args.name:
        filters["reference"] = [args.name]
    with client_of(args) as client:
        found = client.images.list(all=args.all, filters=filters)
        if args.tree:
            from labcore.cli.image.tree import show_tree  # few ask for it

            show_tree(client, found)
            return 0
    lines = list(rows(found, whole=args.no_trunc, digests=args.digests))
    show(listing(digests=args.digests), lines, args.format, quiet=args.quiet)
    return 0


def _check_alone(args: Arguments) -> None:
    """Refuse, as docker does, what a tree does not show. Raises InvalidInput."""
    given = {"--quiet": args.quiet, "--no-trunc": args.no_trunc, "--digests": args.digests, "--format": args.format}
    for option, is_there in given.items():
        if is_there:
            raise InvalidInput(f"{option} is not yet supported with --tree")
