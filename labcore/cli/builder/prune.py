"""`labcore builder prune`: remove what is in the cache of builds."""

from __future__ import annotations

from labcore.cli.confirm import confirmed
from labcore.cli.connection import client_of
from labcore.cli.filters import parse_filters
from labcore.cli.formatting import size
from labcore.options import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from labcore.cli.flags import Arguments, Parser
    from labcore.client import Client

DANGLING: Final = "all dangling build cache"  # of which no image has the layers
UNUSED: Final = "all build cache"


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "Images stay, with their layers. A build that runs keeps what it uses."
    parser.add_argument("-a", "--all", action="store_true", help="remove also steps that images have the layers of")
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")
    parser.add_argument(
        "--filter", action="append", default=[], metavar="FILTER", help="until=TIME, id=…, type=…, inuse, shared, private"
    )
    for option in ("--reserved-space", "--keep-storage"):
        parser.add_argument(option, dest="reserved", default="", metavar="SIZE", help="leave so much of it")
    parser.add_argument("--max-used-space", default="", metavar="SIZE", help="remove until it takes no more than that")
    parser.add_argument("--min-free-space", default="", metavar="SIZE", help="remove until so much of the disk is free")


def main(args: Arguments) -> int:
    """Ask; then remove, and say what was freed."""
    filters = parse_filters([text if "=" in text else f"{text}=true" for text in args.filter])
    space = {
        "reserved_space": _size("--reserved-space", args.reserved),
        "max_used_space": _size("--max-used-space", args.max_used_space),
        "min_free_space": _size("--min-free-space", args.min_free_space),
    }
    if not confirmed(args, UNUSED if args.all else DANGLING):
        return 1
    with client_of(args) as client:
        print(f"Total reclaimed space: {size(prune(client, all=args.all, filters=filters, **space))}")
    return 0


def prune(client: Client, *, all: bool, filters: dict[str, list[str]], **space: Any) -> int:
    """Remove them, and print their IDs; return how many bytes that frees."""
    pruned = client.system.prune_cache(all=all, filters=filters, **space)
    if pruned.records:
        print("\n".join(["Deleted build cache objects:", *pruned.records, ""]))
    return pruned.space_reclaimed


def prune_of_system(client: Client, *, all: bool, filters: dict[str, list[str]]) -> int:
    """Do it as a part of `system prune`, of whose filters the cache has one."""
    if filters.keys() - {"until"}:
        return 0  # a step has no labels
    return prune(client, all=all, filters=filters)


def _size(option: str, text: str) -> int:
    return values.size(option, text) if text else 0
