"""`labcore container attach`: attach to a running container: its output from now on, and its input."""

import argparse
import time

from labcore.cli.container.streams import follow
from labcore.engine import Engine
from labcore.engine.container.state import get
from labcore.engine.containers import attach
from labcore.signal_forwarding import SignalForwarding


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "Exit status: the container's. In a container with a terminal, Ctrl-P Ctrl-Q leaves it running."
    parser.add_argument("--no-stdin", action="store_true", help="do not let it read this standard input")
    parser.add_argument("container", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """Show what a container puts out from now on, and give it this standard input."""
    engine = Engine(args.root)
    container, since = get(engine, args.container), time.time_ns()
    with SignalForwarding() as signals:
        process = attach(engine, container, with_input=not args.no_stdin)
        signals.go_to(process.kill)
        return follow(engine, container, process, since)
