"""`labcore builder du`: what the cache of builds takes of the disk."""

from __future__ import annotations

from labcore.cli.builder.rows import HEADS, row
from labcore.cli.connection import client_of
from labcore.cli.formatting import printable, size
from labcore.cli.listing import Listing, add_format, show
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from labcore.cli.flags import Arguments, Parser
    from labcore.client.system import CacheRecord

LISTING: Final = Listing(HEADS, ("ID", "Reclaimable", "Size", "LastAccessed"))
FIELDS: Final = (
    "ID",
    "Parent",
    "CreatedAt",
    "CacheType",
    "Shared",
    "Reclaimable",
    "Size",
    "Description",
    "UsageCount",
    "LastUsedAt",
)

TRUTHS: Final = ("inuse", "shared", "private")
FITS: Final[dict[str, Callable[[CacheRecord, str], bool]]] = {
    "id": lambda record, value: record.id.startswith(value),
    "type": lambda record, value: record.kind == value,
    "description": lambda record, value: value in record.description,
    "inuse": lambda record, _: record.is_in_use,
    "shared": lambda record, _: record.is_shared,
    "private": lambda record, _: not record.is_shared,
}


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    add_format(parser)
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="id=…, type=…, description=…, inuse, shared, private",
    )
    parser.add_argument("--verbose", action="store_true", help="print all that is known of each")


def main(args: Arguments) -> int:
    """Print a table, and totals."""
    with client_of(args) as client:
        records = _filtered(client.system.disk_usage(["build-cache"]).build_cache, args.filter)
    largest = sorted(records, key=lambda each: each.size, reverse=True)
    if args.verbose:
        _show_all(largest)
    else:
        show(LISTING, [row(each, whole=True) for each in largest], args.format)
    if not args.format:
        print(*totals(records), sep="\n")
    return 0


def _filtered(records: Sequence[CacheRecord], filters: Sequence[str]) -> Sequence[CacheRecord]:
    """Return those that all filters fit. Raises InvalidInput."""
    for text in filters:
        name, _, value = text.partition("=")
        if name not in FITS:
            raise InvalidInput(f"--filter {text}: there are {', '.join(FITS)}")
        wanted = value not in ("false", "0")
        records = [each for each in records if FITS[name](each, value) is (wanted if name in TRUTHS else True)]
    return records


def totals(records: Sequence[CacheRecord]) -> list[str]:
    """Return how much is shared with images, can be removed, and is there."""
    shared = sum(each.size for each in records if each.is_shared)
    free = sum(each.size for each in records if not each.is_in_use)
    found = {"Shared": shared, "Private": sum(each.size for each in records) - shared} if shared else {}
    found |= {"Reclaimable": free, "Total": sum(each.size for each in records)}
    return [f"{name + ':':16}{size(count)}" for name, count in found.items()]


def _show_all(records: Sequence[CacheRecord]) -> None:
    for each in records:
        known = row(each, whole=True)
        lines = ((HEADS[name].capitalize(), printable(str(known[name]()))) for name in FIELDS)
        print(*(f"{head + ':':16}{value}" for head, value in lines if value), sep="\n", end="\n\n")
