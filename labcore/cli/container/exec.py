"""`labcore container exec`: run a further program in a running container."""

import argparse
import errno
import os
import sys

from labcore.cli import FAILED
from labcore.engine import Engine, exit_code
from labcore.engine.container.exec import ExecOptions, execute
from labcore.errors import InvalidInput, StepFailed
from labcore.native import DEVNULL, Process
from labcore.signal_forwarding import SignalForwarding

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # what a shell answers, and docker


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "Exit status: the program's; 126 if it cannot be executed, 127 if it is not there."
    parser.add_argument("-d", "--detach", action="store_true", help="do not wait for it")
    parser.add_argument("-e", "--env", action="append", default=[], metavar="NAME[=VALUE]", help="set an environment variable")
    parser.add_argument("-i", "--interactive", action="store_true", help="let it read this standard input")
    parser.add_argument("-t", "--tty", action="store_true", help="give it a terminal")
    parser.add_argument("-u", "--user", default="", metavar="USER[:GROUP]", help="whom it runs as (default: as the container)")
    parser.add_argument("-w", "--workdir", default="", metavar="DIR", help="where it starts (default: as the container)")
    parser.add_argument("--privileged", action="store_true", help="give it all of root's power")
    parser.add_argument("container", metavar="CONTAINER")
    parser.add_argument("command", metavar="COMMAND")
    parser.add_argument("argv", nargs=argparse.REMAINDER, metavar="ARG")


def main(args: argparse.Namespace) -> int:
    """Run a further program in a container, and return its exit code."""
    options = ExecOptions(
        command=(args.command, *args.argv),
        environment=tuple(map(_variable, args.env)),
        workdir=args.workdir,
        user=args.user,
        privileged=args.privileged,
        tty=args.tty,
    )
    try:
        return _executed(args, options)
    except StepFailed as error:
        print(f"labcore: {error}", file=sys.stderr)
        if error.call != "execve":
            return FAILED
        return NOT_FOUND if error.errno in (errno.ENOENT, errno.ENOTDIR) else NOT_EXECUTABLE


def _variable(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not name:
        raise InvalidInput(f"-e {text}: NAME=VALUE is wanted, or NAME for what it is here")
    return name, value if equals else os.environ.get(name)


def _executed(args: argparse.Namespace, options: ExecOptions) -> int:
    engine = Engine(args.root)
    if args.detach:
        execute(engine, args.container, options, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, release=True)
        return 0
    if args.tty:
        return _in_terminal(engine, args, options)
    sys.stdout.flush()
    with SignalForwarding() as signals:
        process: Process
        with execute(engine, args.container, options, stdin=None if args.interactive else DEVNULL) as process:
            signals.go_to(process.kill)
            return exit_code(process)


def _in_terminal(engine: Engine, args: argparse.Namespace, options: ExecOptions) -> int:
    from labcore.cli.terminal import ContainerTerminal, check_terminal

    check_terminal(interactive=args.interactive)
    terminal = ContainerTerminal()
    try:
        with execute(
            engine, args.container, options, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, take_terminal=terminal.take
        ) as process:
            terminal.join(process, interactive=args.interactive)
            return exit_code(process)
    finally:
        terminal.close()
