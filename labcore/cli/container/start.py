"""`labcore container start`: start stopped containers."""

import argparse
import sys
import time

from labcore.cli import FAILED, for_each
from labcore.cli.notices import notify
from labcore.engine import Engine
from labcore.engine.container.start import start, start_failure_code
from labcore.errors import InvalidInput, StepFailed


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "With -a the exit status is the container's, as with `labcore run`."
    parser.add_argument("-a", "--attach", action="store_true", help="show its output, and pass signals on to it")
    parser.add_argument(
        "-i", "--interactive", action="store_true", help="let it read this standard input (if it was made with -i)"
    )
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """Start containers that were made or have ended; one that runs already is left as it is."""
    engine = Engine(args.root, notify=notify)
    if not (args.attach or args.interactive):
        return for_each(args.containers, lambda name: _started(engine, name))
    if len(args.containers) > 1:
        raise InvalidInput("-a and -i are for one container: you cannot be attached to several")
    return attached(engine, args.containers[0], interactive=args.interactive)


def _started(engine: Engine, name: str) -> None:
    start(engine, name).release()
    print(name)


def attached(engine: Engine, name: str, *, interactive: bool) -> int:
    """Start a container and stay with it to its end; return its exit code."""
    from labcore.cli.container.streams import follow
    from labcore.signal_forwarding import SignalForwarding

    container, since = engine.records.find(name), time.time_ns()
    sys.stdout.flush()
    with SignalForwarding() as signals:
        try:
            process = start(engine, container.id, with_input=interactive)
        except StepFailed as error:
            print(f"labcore: {error}", file=sys.stderr)
            return start_failure_code(error) if error.call == "execve" else FAILED
        signals.go_to(process.kill)
        return follow(engine, container, process, since)
