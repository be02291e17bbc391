"""`run --step`, in this process: each op before it is done, and what the last one has changed in the kernel's state."""

import errno
import os
import sys
from typing import Final

from labcore.cli import RUN_FAILED
from labcore.cli.container import options as create_options
from labcore.cli.container.stepped_terminal import ContainerTerminal
from labcore.cli.flags import Arguments
from labcore.cli.formatting import width_of
from labcore.cli.notices import notify
from labcore.cli.rootless import become_root
from labcore.engine import Engine, exit_code
from labcore.engine.container.foreground import Prepared, prepared
from labcore.engine.network.default import default_network
from labcore.engine.records.ids import new_id
from labcore.errors import InvalidInput, StepFailed
from labcore.native import DEVNULL
from labcore.runtime.launch import Launch
from labcore.runtime.stepping import GivenUp, Stop
from labcore.signal_forwarding import SignalForwarding
from labcore.terminal import check_terminal

PROMPT: Final = "(step) "
HELP: Final = "n: do this op (so does Enter), c: go on to the end, q: give the start up"
LINE_WIDTH: Final = 110  # where no terminal says how wide it is
NOT_EXECUTABLE: Final = 126  # what a shell answers, and docker
NOT_FOUND: Final = 127
COMMANDS: Final = {"": "n", "n": "n", "next": "n", "c": "c", "continue": "c", "q": "q", "quit": "q"}


def run_stepped(args: Arguments) -> int:
    """Run a container that leaves nothing, its start op by op; return its exit code. An ordinary user becomes root for it."""
    if args.name or args.detach or args.cidfile:
        raise InvalidInput("--step is for a container that leaves nothing: leave out --name, --cidfile and -d")
    if args.tty:
        check_terminal(interactive=args.open_stdin)
    check_can_ask(reads_input=args.open_stdin)
    if os.geteuid():
        become_root(str(args.root) if args.root else None)
    if not args.network:
        args.network = [default_network(publishes=bool(args.publish or args.publish_all))]
    options = create_options.options_of(args, open_stdin=args.open_stdin, tty=args.tty)
    with prepared(Engine(args.root, notify=notify), options, container_id=new_id()) as made:
        try:
            return _launched(args, made)
        except GivenUp:
            print("labcore: the start is given up: nothing of it is left", file=sys.stderr)
            return RUN_FAILED


def _launched(args: Arguments, made: Prepared) -> int:
    launch_options, terminal = made.options, None
    if args.tty:
        terminal = ContainerTerminal()
        launch_options = launch_options.replace(syncs=(*launch_options.syncs, ("terminal", terminal.take)))
    launch = Launch(made.spec, options=launch_options, cgroup=made.cgroup, pause=Stepper().pause)
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


class Stepper:
    """Asks at each stop of a start what is to be done, on standard error and input, until it is told to go on."""

    def __init__(self) -> None:
        self._asks = True

    def pause(self, stop: Stop) -> None:
        """Show the stop, and wait for what is to be done. Raises GivenUp."""
        if not self._asks:
            return
        _say(*str(stop).split("\n"))
        command = self._command()
        if command == "q":
            raise GivenUp
        self._asks = command == "n"

    def _command(self) -> str:
        while True:
            sys.stderr.write(PROMPT)
            sys.stderr.flush()
            words = _line()
            if words is None:
                _say("")
                return "q"
            if found := COMMANDS.get(words.strip().lower()):
                return found
            _say(HELP)


def check_can_ask(*, reads_input: bool) -> None:
    """Raise InvalidInput if the program is to read the input that the prompt needs, and that is no terminal's."""
    if reads_input and not sys.stdin.isatty():
        raise InvalidInput("--step asks on standard input, which -i gives to the program: leave -i out, or use a terminal")


def _line() -> str | None:
    """Read a line from standard input, and nothing of what comes behind it; None at its end."""
    found = b""
    while not found.endswith(b"\n"):
        letter = os.read(0, 1)
        if not letter:
            return None if not found else found.decode(errors="replace")
        found += letter
    return found.decode(errors="replace")


def _say(*lines: str) -> None:
    width = width_of(sys.stderr, LINE_WIDTH)
    for line in lines:
        print(line if len(line) <= width else f"{line[: width - 1]}…", file=sys.stderr)
