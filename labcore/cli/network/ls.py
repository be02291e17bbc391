"""`labcore network ls`: list networks."""

from __future__ import annotations

from labcore.cli.connection import client_of
from labcore.cli.formatting import local_moment, natural_order, short_id
from labcore.cli.listing import Listing, add_filter, add_format, filters_of, joined_labels, show
from labcore.cli.template.values import Row, printed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.cli.flags import Arguments, Parser
    from labcore.client.networks import Network

HEADS: Final = {
    "ID": "NETWORK ID", "Name": "NAME", "Driver": "DRIVER", "Scope": "SCOPE", "IPv4": "IPV4", "IPv6": "IPV6",
    "Internal": "INTERNAL", "Labels": "LABELS", "CreatedAt": "CREATED AT", "Label": "",
}  # fmt: skip
LISTING: Final = Listing(HEADS, ("ID", "Name", "Driver", "Scope"))


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "Filters: id, name, driver, label, scope, type (custom, builtin), dangling; as docker's."
    add_filter(parser)
    add_format(parser)
    parser.add_argument("--no-trunc", action="store_true", help="print IDs whole")
    parser.add_argument("-q", "--quiet", action="store_true", help="print IDs only")


def main(args: Arguments) -> int:
    """List them by their names."""
    with client_of(args) as client:
        found = sorted(client.networks.list(filters=filters_of(args.filter)), key=lambda each: natural_order(each.name))
    show(LISTING, [_row(each, whole=args.no_trunc) for each in found], args.format, quiet=args.quiet)
    return 0


def _row(each: Network, *, whole: bool) -> Row:
    return Row(
        {
            "ID": lambda: each.id if whole else short_id(each.id),
            "Name": lambda: each.name,
            "Driver": lambda: each.driver,
            "Scope": lambda: each.scope,
            "IPv4": lambda: printed(each.has_ipv4),
            "IPv6": lambda: printed(each.has_ipv6),
            "Internal": lambda: printed(each.is_internal),
            "Labels": lambda: joined_labels(each.labels),
            "Label": lambda name: each.labels.get(name, ""),
            "CreatedAt": lambda: local_moment(each.created),
        }
    )
