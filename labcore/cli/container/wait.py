"""`labcore container wait`: wait until containers stop, and print their exit codes."""

from labcore.cli import for_each
from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """Wait until they have ended, one after another, and print their exit codes."""
    with client_of(args) as client:
        return for_each(args.containers, lambda name: print(client.containers.wait(name).exit_code, flush=True))
