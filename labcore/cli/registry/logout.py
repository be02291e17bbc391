"""`labcore registry logout`: forget credentials of a registry."""

from labcore.cli.flags import Arguments, Parser
from labcore.registry.credentials import forget
from labcore.spec.reference import HUB, check_registry


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("registry", nargs="?", default=HUB, metavar="REGISTRY", help="HOST[:PORT] (default: docker.io)")


def main(args: Arguments) -> int:
    """Forget them, in docker's file and in the helper that is named there."""
    registry = check_registry(args.registry)
    print(f"{registry}: {'forgotten' if forget(registry) else 'nothing was kept'}")
    return 0
