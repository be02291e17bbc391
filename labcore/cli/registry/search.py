"""`labcore registry search`: find images by a part of their names."""

from __future__ import annotations

from labcore.cli.connection import client_of
from labcore.cli.formatting import shortened
from labcore.cli.image.auth import registry_auth
from labcore.cli.listing import Listing, add_filter, add_format, filters_of, show
from labcore.cli.numbers import whole
from labcore.cli.template.values import Row
from labcore.spec.reference import split_registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.cli.flags import Arguments, Parser
    from labcore.client.images import SearchResult

LIMIT: Final = 100
DESCRIPTION_SHOWN: Final = 45  # characters
HEADS: Final = {
    "Name": "NAME", "Description": "DESCRIPTION", "StarCount": "STARS", "IsOfficial": "OFFICIAL", "IsAutomated": "AUTOMATED",
}  # fmt: skip
LISTING: Final = Listing(HEADS, ("Name", "Description", "StarCount", "IsOfficial"), elastic="Description")


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "Filters: is-official, stars. Where no registry is named, it is docker.io."
    add_filter(parser)
    add_format(parser)
    parser.add_argument("--limit", type=whole(0, LIMIT), default=0, metavar="N", help=f"at most so many (up to {LIMIT})")
    parser.add_argument("--no-trunc", action="store_true", help="show descriptions whole")
    parser.add_argument("term", metavar="[REGISTRY/]TERM", help="a part of a name, and where to look for it")


def main(args: Arguments) -> int:
    """Have the daemon ask the registry, and list what it has found."""
    auth = registry_auth(split_registry(args.term)[0])
    with client_of(args) as client:
        found = client.images.search(args.term, limit=args.limit, filters=filters_of(args.filter), auth=auth)
    show(LISTING, [_row(each, whole=args.no_trunc) for each in found], args.format)
    return 0


def _row(each: SearchResult, *, whole: bool) -> Row:
    description = each.description.replace("\n", " ").replace("\r", " ")
    return Row(
        {
            "Name": lambda: each.name,
            "Description": lambda: description if whole else shortened(description, DESCRIPTION_SHOWN),
            "StarCount": lambda: str(each.stars),
            "IsOfficial": lambda: "[OK]" if each.is_official else "",
            "IsAutomated": lambda: "",
        }
    )
