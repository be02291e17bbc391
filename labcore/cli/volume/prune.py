"""`labcore volume prune`: remove unused volumes."""

from labcore.cli.confirm import confirmed
from labcore.cli.connection import client_of
from labcore.cli.filters import parse_filters
from labcore.cli.flags import Arguments, Parser
from labcore.cli.formatting import size
from labcore.client import Client

ANONYMOUS = "anonymous volumes not used by at least one container"
UNUSED = "all volumes not used by at least one container"


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("-a", "--all", action="store_true", help="remove also those with a name that no container uses")
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")
    parser.add_argument("--filter", action="append", default=[], metavar="FILTER", help="label=NAME[=VALUE], label!=…")


def main(args: Arguments) -> int:
    """Ask; then remove the anonymous volumes that no container uses, or all that none uses."""
    filters = parse_filters(args.filter) | ({"all": ["true"]} if args.all else {})
    if not confirmed(args, UNUSED if args.all else ANONYMOUS):
        return 1
    with client_of(args) as client:
        print(f"Total reclaimed space: {size(prune(client, filters))}")
    return 0


def prune(client: Client, filters: dict[str, list[str]]) -> int:
    """Remove them, and print their names; return how many bytes that frees."""
    pruned = client.volumes.prune(filters=filters)
    if pruned.volumes:
        print("\n".join(["Deleted Volumes:", *pruned.volumes, ""]))
    return pruned.space_reclaimed
