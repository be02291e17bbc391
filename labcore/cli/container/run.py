"""`labcore run`: a program in a new container, with this terminal's streams."""

import argparse
import errno
import signal
import sys
from types import FrameType
from typing import Self

from labcore.cli import LABCORE_FAILED
from labcore.cli.container import options as container
from labcore.engine import Engine, exit_code
from labcore.engine.preparing import Prepared, prepared
from labcore.errors import StepFailed
from labcore.native import DEVNULL, Process
from labcore.runtime import make_plan, spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.spec import Mount

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
    parser.add_argument("-i", "--interactive", action="store_true", help="let the program read this standard input")
    parser.add_argument(
        "-v",
        "--volume",
        action="append",
        default=[],
        metavar="[SOURCE:]PATH[:OPTIONS]",
        help="mount a volume (SOURCE is its name, or nothing), or a directory or file of this machine (SOURCE begins with /); "
        "OPTIONS: ro, nocopy, rslave, …",
    )
    parser.add_argument("--mount", action="append", default=[], metavar="type=…,src=…,dst=…", help="the same in many words")
    parser.add_argument("--tmpfs", action="append", default=[], metavar="PATH[:OPTIONS]", help="mount an empty tmpfs")
    container.arguments(parser, needs_image=False)


def main(args: argparse.Namespace) -> int:
    """Run it to its end and return its exit code."""
    image = None if args.rootfs or args.image == "-" else args.image
    options = container.options_of(args)
    with prepared(Engine(args.root), image, args.argv, snapshot=args.snapshot, volumes=_volumes(args), **options) as made:
        return _run(args, made)


def _volumes(args: argparse.Namespace) -> "list[Mount]":
    if not (args.volume or args.mount or args.tmpfs):
        return []
    from labcore.engine.mount_options import from_long, from_short, from_tmpfs

    return [*map(from_short, args.volume), *map(from_long, args.mount), *map(from_tmpfs, args.tmpfs)]


def _run(args: argparse.Namespace, made: Prepared) -> int:
    plan = make_plan(made.spec, None, Engine(args.root).launch_options)
    sys.stdout.flush()
    with _Signals() as signals:
        try:
            process = spawn(plan, stdin=None if args.interactive else DEVNULL)
        except StepFailed as error:
            print(f"labcore: {error}", file=sys.stderr)
            if error.call != "execve":
                return LABCORE_FAILED
            return NOT_FOUND if error.errno in (errno.ENOENT, errno.ENOTDIR) else NOT_EXECUTABLE
        with process:
            made.runs(process)
            signals.go_to(process)
            return exit_code(process)


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
