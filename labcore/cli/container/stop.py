"""`labcore container stop`: stop running containers."""

from labcore.cli.at_once import for_each_at_once
from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.cli.numbers import integer


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "A container gets its stop signal (SIGTERM, unless it or its image names another), and after a while SIGKILL."
    )
    how_to_stop(parser)


def how_to_stop(parser: Parser) -> None:
    """Declare what `restart` takes too."""
    parser.add_argument("-s", "--signal", default="", metavar="SIGNAL", help="send this one first")
    parser.add_argument(
        "-t", "--timeout", "--time", type=integer, metavar="SECONDS", help="kill it after so long (default: 10; -1: never)"
    )
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """Stop them, and print their names."""
    with client_of(args) as client:
        stop = client.containers.stop
        return for_each_at_once(args.containers, lambda name: stop(name, signal=args.signal, timeout=args.timeout))
