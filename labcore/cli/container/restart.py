"""`labcore container restart`: restart containers."""

import argparse

from labcore.cli import for_each
from labcore.cli.container.stop import how_to_stop
from labcore.cli.notices import notify
from labcore.engine import Engine
from labcore.engine.container.restart import restart
from labcore.engine.containers import signal_number


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    how_to_stop(parser)


def main(args: argparse.Namespace) -> int:
    """Stop those that run, start all, and print their names."""
    engine, number = Engine(args.root, notify=notify), signal_number(args.signal) if args.signal else None

    def act(name: str) -> None:
        restart(engine, name, number=number, seconds=args.timeout).release()
        print(name)

    return for_each(args.containers, act)
