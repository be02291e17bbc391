"""`labcore container run`: a program in a new container, with this terminal's streams."""

import argparse
import errno
import sys

from labcore.cli import RUN_FAILED
from labcore.cli.container import options as create_options
from labcore.cli.container.cidfile import write_cidfile
from labcore.cli.notices import notify
from labcore.engine import Engine, exit_code
from labcore.engine.container.foreground import Prepared, prepared
from labcore.engine.records.ids import new_id
from labcore.errors import InvalidInput, StepFailed
from labcore.native import DEVNULL
from labcore.runtime.launch import Launch
from labcore.signal_forwarding import SignalForwarding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from labcore.runtime.stepping import Stop
    from labcore.spec import CreateOptions

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # what a shell answers, and docker


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "Exit status: the program's own; 125 if labcore failed, 126 if the program cannot be executed, 127 if it is not "
        "there, 128 + N if signal N killed it. Signals are passed on to the program; a second Ctrl-C, or SIGTERM, kills it."
    )
    parser.add_argument("-d", "--detach", action="store_true", help="run it in the background, and print its ID")
    parser.add_argument(
        "--step", action="store_true", help="stop before each op of its start, show what the last one changed, and ask"
    )
    container_arguments(parser)


def container_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `create` takes too."""
    parser.add_argument("--name", default="", metavar="NAME", help="its name (default: one is drawn)")
    parser.add_argument("--rm", action="store_true", help="remove it when it has ended")
    parser.add_argument(
        "-i", "--interactive", dest="open_stdin", action="store_true", help="let the program read this standard input"
    )
    parser.add_argument("--cidfile", metavar="FILE", help="write the container's ID to this file, which must not be there")
    parser.add_argument("-t", "--tty", action="store_true", help="give it a terminal, with -i this one's keys")
    create_options.arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Run it to its end and return its exit code; with -d return at once."""
    options = container_options(args, stdin_once=args.open_stdin and not args.detach)
    if args.tty and not args.detach:
        from labcore.cli.terminal import check_terminal

        check_terminal(interactive=args.open_stdin)
    if args.step:
        _check_step(args)
    if (not args.rm or args.name or args.detach) and not args.step:
        from labcore.cli.container.kept import run

        return run(Engine(args.root, notify=notify), args, options)
    container_id = new_id()
    if args.cidfile:
        write_cidfile(args.cidfile, container_id)
    with prepared(Engine(args.root, notify=notify), options, container_id=container_id) as made:
        return _run(args, made)


def container_options(args: argparse.Namespace, *, stdin_once: bool) -> "CreateOptions":
    """Return what the arguments say. Raises InvalidInput."""
    return create_options.options_of(
        args, name=args.name, auto_remove=args.rm, open_stdin=args.open_stdin, stdin_once=stdin_once, tty=args.tty
    )


def _check_step(args: argparse.Namespace) -> None:
    from labcore.cli.container.stepping import check_can_ask

    if args.name or args.detach:
        raise InvalidInput("--step is for a container that leaves nothing: leave out --name and -d")
    check_can_ask(reads_input=args.open_stdin)


def _run(args: argparse.Namespace, made: Prepared) -> int:
    if args.step:
        from labcore.cli.container.stepping import Stepper
        from labcore.runtime.stepping import GivenUp

        try:
            return _launched(args, made, Stepper().pause)
        except GivenUp:
            print("labcore: the start is given up: nothing of it is left", file=sys.stderr)
            return RUN_FAILED
    return _launched(args, made)


def _launched(args: argparse.Namespace, made: Prepared, pause: "Callable[[Stop], None] | None" = None) -> int:
    launch_options, terminal = made.options, None
    if args.tty:
        from labcore.cli.terminal import ContainerTerminal

        terminal = ContainerTerminal()
        launch_options = launch_options.replace(syncs=(*launch_options.syncs, ("terminal", terminal.take)))
    launch = Launch(made.spec, options=launch_options, cgroup=made.cgroup, pause=pause)
    sys.stdout.flush()
    with SignalForwarding() as signals:
        try:
            process = launch.create(stdin=None if args.open_stdin and not terminal else DEVNULL)
        except StepFailed as error:
            print(f"labcore: {error}", file=sys.stderr)
            if error.call != "execve":
                return RUN_FAILED
            return NOT_FOUND if error.errno in (errno.ENOENT, errno.ENOTDIR) else NOT_EXECUTABLE
        try:
            with process:
                made.runs()
                signals.go_to(process.kill)
                if terminal:
                    terminal.join(process, interactive=args.open_stdin)
                return exit_code(process)
        finally:
            if terminal:
                terminal.close()
            launch.delete()
