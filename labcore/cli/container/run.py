"""`labcore run`: a program in a new container, with this terminal's streams."""

import argparse
import errno
import signal
import sys
from types import FrameType
from typing import Self

from labcore.cli import LABCORE_FAILED
from labcore.cli.container import options as create_options
from labcore.engine import Engine, exit_code
from labcore.engine.foreground import Prepared, new_id, prepared
from labcore.errors import InvalidInput, StepFailed
from labcore.native import DEVNULL, Process
from labcore.runtime.launch import Launch

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # what a shell answers, and docker
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "Exit status: the program's own; 125 if labcore failed, 126 if the program cannot be executed, 127 if it is not "
        "there, 128 + N if signal N killed it. Signals are passed on to the program; a second Ctrl-C, or SIGTERM, kills it."
    )
    parser.add_argument("--rm", action="store_true", help="keep nothing afterwards (always so, but for a snapshot)")
    parser.add_argument(
        "--snapshot",
        metavar="NAME",
        help="keep what it writes under this name, and go on from it the next time; IMAGE may then be left out, or be -",
    )
    parser.add_argument(
        "-i", "--interactive", dest="open_stdin", action="store_true", help="let the program read this standard input"
    )
    parser.add_argument("--cidfile", metavar="FILE", help="write the container's ID to this file, which must not be there")
    parser.add_argument("-t", "--tty", action="store_true", help="give it a terminal, with -i this one's keys")
    create_options.arguments(parser, needs_image=False)


def main(args: argparse.Namespace) -> int:
    """Run it to its end and return its exit code."""
    if args.image == "-" and args.snapshot:
        args.image = None
    options = create_options.options_of(args, open_stdin=args.open_stdin, tty=args.tty)
    if args.tty:
        from labcore.cli.terminal import check_terminal

        check_terminal(interactive=args.open_stdin)
    container_id = new_id()
    if args.cidfile:
        _write_cidfile(args.cidfile, container_id)
    with prepared(Engine(args.root), options, snapshot=args.snapshot, container_id=container_id) as made:
        return _run(args, made)


def _write_cidfile(path: str, container_id: str) -> None:
    try:
        with open(path, "x") as file:  # noqa: PTH123
            file.write(container_id)
    except FileExistsError:
        raise InvalidInput(f"--cidfile {path}: it is there, perhaps another container's: remove it, or name another") from None


def _run(args: argparse.Namespace, made: Prepared) -> int:
    launch_options, terminal = Engine(args.root).launch_options, None
    if args.tty:
        from labcore.cli.terminal import ContainerTerminal

        terminal = ContainerTerminal()
        launch_options = launch_options.replace(syncs=(("terminal", terminal.take),))
    launch = Launch(made.spec, options=launch_options, cgroup=made.cgroup)
    sys.stdout.flush()
    with _Signals() as signals:
        try:
            process = launch.create(stdin=None if args.open_stdin and not terminal else DEVNULL)
        except StepFailed as error:
            print(f"labcore: {error}", file=sys.stderr)
            if error.call != "execve":
                return LABCORE_FAILED
            return NOT_FOUND if error.errno in (errno.ENOENT, errno.ENOTDIR) else NOT_EXECUTABLE
        try:
            with process:
                made.runs(process)
                signals.go_to(process)
                if terminal:
                    terminal.join(process, interactive=args.open_stdin)
                return exit_code(process)
        finally:
            if terminal:
                terminal.close()
            launch.delete()


class _Signals:
    """Signals passed on to the program, also those that come while it is being started.

    A first process ignores those that it has no handler for, so the second SIGINT or SIGTERM is SIGKILL.
    """

    def __init__(self) -> None:
        self._process: Process | None = None
        self._seen: list[int] = []
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._forward) for number in FORWARDED}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def go_to(self, process: Process) -> None:
        """Name the process that they are for; it gets those that have come already."""
        self._process = process
        for number in self._seen:
            process.kill(number)

    def _forward(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        again = number in self._seen and number in (signal.SIGINT, signal.SIGTERM)
        self._seen.append(number)
        if self._process is not None:
            self._process.kill(signal.SIGKILL if again else number)
