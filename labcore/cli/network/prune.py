"""`labcore network prune`: remove unused networks."""

from labcore.cli.confirm import confirmed
from labcore.cli.connection import client_of
from labcore.cli.filters import parse_filters
from labcore.cli.flags import Arguments, Parser
from labcore.client import Client

UNUSED = "all networks not used by at least one container"


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")
    parser.add_argument(
        "--filter", action="append", default=[], metavar="FILTER", help="until=TIME, label=NAME[=VALUE], label!=…"
    )


def main(args: Arguments) -> int:
    """Ask; then remove the networks that no container is on, or wants to be on, and bridges whose state root is gone."""
    filters = parse_filters(args.filter)
    if not confirmed(args, UNUSED):
        return 1
    with client_of(args) as client:
        prune(client, filters)
    return 0


def prune(client: Client, filters: dict[str, list[str]]) -> None:
    """Remove them, and print their names."""
    if deleted := client.networks.prune(filters=filters).networks:
        print("\n".join(["Deleted Networks:", *deleted, ""]))
