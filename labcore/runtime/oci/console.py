"""The console socket: the pty master goes to whoever asked for the container (runtime.md, `--console-socket`)."""

from __future__ import annotations

import os

from labcore.errors import InvalidInput
from labcore.runtime.terminal import take
from labcore.unix_sockets import channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.native import Process


def hand_over(process: Process, console_socket: str) -> None:
    """Take the terminal's other end from the child and send it to a socket that somebody listens at: unix(7), SCM_RIGHTS."""
    master = take(process)
    try:
        with channel() as connection:
            try:
                connection.connect(console_socket)
            except OSError as error:
                raise InvalidInput(f"--console-socket {console_socket}: {error.strerror}") from None
            connection.send_fds(b"/dev/ptmx", [master])
    finally:
        os.close(master)
