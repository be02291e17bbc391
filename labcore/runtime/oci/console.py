"""The console socket: the pty master goes to whoever asked for the container (runtime.md, `--console-socket`)."""

from __future__ import annotations

import os

from labcore.errors import InvalidInput
from labcore.runtime.terminal import take
from labcore.unix_sockets import channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from labcore.native import Process

    class Console(Protocol):
        """Who gets the other end of a process's terminal, if it has one."""

        def check(self, *, wanted: bool) -> None:
            """Raise InvalidInput, before anything is made, if a terminal is wanted that nobody would get, or none is."""

        def take(self, process: Process) -> None:
            """Take the terminal's other end from the process, at the `sync` before ops.TerminalTaken."""


class ConsoleSocket:
    """A socket that somebody listens at, and that is sent the terminal's other end: unix(7), SCM_RIGHTS."""

    def __init__(self, path: str | None) -> None:
        self.path = path

    def check(self, *, wanted: bool) -> None:
        """Raise InvalidInput if there is a terminal without a socket, or the other way round."""
        if wanted and not self.path:
            raise InvalidInput(
                "process.terminal: a terminal needs --console-socket, to which its other end is sent, or somebody who waits: "
                "run or exec without --detach"
            )
        if self.path and not wanted:
            raise InvalidInput("--console-socket: process.terminal is false, so that there is no terminal to be sent")
        if self.path and not os.path.exists(self.path):
            raise InvalidInput(f"--console-socket {self.path}: there is no such socket")

    def take(self, process: Process) -> None:
        """Take the terminal's other end from the process, and send it. Raises InvalidInput if nobody listens."""
        master = take(process)
        try:
            with channel() as connection:
                try:
                    connection.connect(self.path or "")
                except OSError as error:
                    raise InvalidInput(f"--console-socket {self.path}: {error.strerror}") from None
                connection.send_fds(b"/dev/ptmx", [master])
        finally:
            os.close(master)
