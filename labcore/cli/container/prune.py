"""`labcore container prune`: remove stopped containers."""

from labcore.cli.confirm import confirmed
from labcore.cli.connection import client_of
from labcore.cli.filters import parse_filters
from labcore.cli.flags import Arguments, Parser
from labcore.cli.formatting import size
from labcore.client import Client

STOPPED = "all stopped containers"


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")
    parser.add_argument(
        "--filter", action="append", default=[], metavar="FILTER", help="until=TIME, label=NAME[=VALUE], label!=…"
    )


def main(args: Arguments) -> int:
    """Ask; then remove all containers that do not run."""
    filters = parse_filters(args.filter)
    if not confirmed(args, STOPPED):
        return 1
    with client_of(args) as client:
        print(f"Total reclaimed space: {size(prune(client, filters))}")
    return 0


def prune(client: Client, filters: dict[str, list[str]]) -> int:
    """Remove them, and print their IDs; return how many bytes that frees."""
    pruned = client.containers.prune(filters=filters)
    if pruned.containers:
        print("\n".join(["Deleted Containers:", *pruned.containers, ""]))
    return pruned.space_reclaimed
