"""`labcore container exec -t`: the terminal of a further process, passed through to this one."""

import os
import sys
from contextlib import ExitStack, suppress

from labcore.cli.container.streams import CHUNK_SIZE, check_terminal, raw_mode, start_pump
from labcore.engine import Engine, exit_code
from labcore.engine.exec import ExecOptions, execute
from labcore.native import DEVNULL, Process
from labcore.runtime.terminal import take


def in_terminal(engine: Engine, name: str, options: ExecOptions, *, interactive: bool) -> int:
    """Run it with a terminal of its own; return its exit code."""
    check_terminal(tty=True, interactive=interactive)
    taken: list[int] = []

    def take_terminal(process: Process) -> None:
        taken.append(take(process))

    with ExitStack() as undo:
        process = undo.enter_context(
            execute(engine, name, options, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, take_terminal=take_terminal)
        )
        (master,) = taken
        undo.callback(os.close, master)
        if sys.stdin.isatty():
            undo.enter_context(raw_mode(master))
        if interactive:
            start_pump(open(os.dup(master), "wb", buffering=0), None, closes=True)  # noqa: PTH123, SIM115
        with suppress(OSError):  # EIO: nobody has its other end any more
            while chunk := os.read(master, CHUNK_SIZE):
                sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()
        return exit_code(process)
