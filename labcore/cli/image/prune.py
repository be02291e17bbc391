"""`labcore image prune`: remove unused images, and what only they needed."""

from labcore.cli.confirm import confirmed
from labcore.cli.connection import client_of
from labcore.cli.filters import parse_filters
from labcore.cli.flags import Arguments, Parser
from labcore.cli.formatting import size
from labcore.cli.image.rm import lines
from labcore.client import Client

NAMELESS = "all dangling images"
UNUSED = "all images without at least one container associated to them"


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "With images go blobs that no image leads to, unpacked layers that no image and no container needs, and what "
        "writers have left that were killed. What is being pulled or loaded stays."
    )
    parser.add_argument("-a", "--all", action="store_true", help="remove also images with a name that no container uses")
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")
    parser.add_argument(
        "--filter", action="append", default=[], metavar="FILTER", help="until=TIME, label=NAME[=VALUE], label!=…"
    )


def main(args: Arguments) -> int:
    """Ask; then remove, and say what was freed."""
    filters = parse_filters(args.filter) | {"dangling": ["false" if args.all else "true"]}
    if not confirmed(args, UNUSED if args.all else NAMELESS):
        return 1
    with client_of(args) as client:
        print(f"Total reclaimed space: {size(prune(client, filters))}")
    return 0


def prune(client: Client, filters: dict[str, list[str]]) -> int:
    """Remove them, and say what is gone; return how many bytes that frees."""
    pruned = client.images.prune(filters=filters)
    if pruned.images:
        print("\n".join(["Deleted Images:", *lines(pruned.images), ""]))
    return pruned.space_reclaimed
