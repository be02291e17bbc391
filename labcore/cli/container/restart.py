"""`labcore container restart`: restart containers."""

from labcore.cli import for_each
from labcore.cli.connection import client_of
from labcore.cli.container.stop import how_to_stop
from labcore.cli.flags import Arguments, Parser


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    how_to_stop(parser)


def main(args: Arguments) -> int:
    """Stop those that run, start all, and print their names."""
    with client_of(args) as client:

        def act(name: str) -> None:
            client.containers.restart(name, signal=args.signal, timeout=args.timeout)
            print(name)

        return for_each(args.containers, act)
