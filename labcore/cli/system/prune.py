"""`labcore system prune`: remove all that nothing needs."""

from labcore.cli.builder.prune import UNUSED as CACHE
from labcore.cli.builder.prune import prune_of_system
from labcore.cli.confirm import confirmed
from labcore.cli.connection import client_of
from labcore.cli.container.prune import STOPPED
from labcore.cli.container.prune import prune as prune_containers
from labcore.cli.filters import parse_filters
from labcore.cli.flags import Arguments, Parser
from labcore.cli.formatting import size
from labcore.cli.image.prune import NAMELESS, UNUSED
from labcore.cli.image.prune import prune as prune_images
from labcore.cli.network.prune import UNUSED as UNUSED_NETWORKS
from labcore.cli.network.prune import prune as prune_networks
from labcore.cli.volume.prune import ANONYMOUS
from labcore.cli.volume.prune import prune as prune_volumes


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "What is being pulled or loaded stays."
    parser.add_argument("-a", "--all", action="store_true", help="remove also images with a name that no container uses")
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")
    parser.add_argument("--volumes", action="store_true", help="remove anonymous volumes that no container uses, too")
    parser.add_argument(
        "--filter", action="append", default=[], metavar="FILTER", help="until=TIME, label=NAME[=VALUE], label!=…"
    )


def main(args: Arguments) -> int:
    """Ask; then remove, and say what was freed."""
    filters = parse_filters(args.filter)
    volumes = [ANONYMOUS] if args.volumes else []
    if not confirmed(
        args, STOPPED, UNUSED_NETWORKS, *volumes, UNUSED if args.all else NAMELESS, CACHE if args.all else "unused build cache"
    ):
        return 1
    with client_of(args) as client:
        freed = prune_containers(client, filters)
        prune_networks(client, filters)
        if args.volumes:
            freed += prune_volumes(client, {name: values for name, values in filters.items() if name != "until"})
        freed += prune_images(client, filters | {"dangling": ["false" if args.all else "true"]})
        freed += prune_of_system(client, all=args.all, filters=filters)
    print(f"Total reclaimed space: {size(freed)}")
    return 0
