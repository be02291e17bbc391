"""The terminal's other end goes to whoever asked for the container: runtime.md, `--console-socket`."""

import array
import os
import socket
from pathlib import Path

from labcore.errors import InvalidInput
from labcore.native import Process
from labcore.runtime.terminal import resize, take


def hand_over(process: Process, console_socket: str, size: tuple[int, int] | None) -> None:
    """Take the terminal's other end from the child and send it to a socket that somebody listens at: unix(7), SCM_RIGHTS."""
    master = take(process)
    try:
        if size is not None:
            resize(master, *size)
        with socket.socket(socket.AF_UNIX) as channel:
            try:
                channel.connect(console_socket)
            except OSError as error:
                raise InvalidInput(f"--console-socket {console_socket}: {error.strerror}") from None
            name = b"/dev/ptmx"
            channel.sendmsg([name], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [master]))])
    finally:
        os.close(master)


def check_socket(path: str | None, wanted: bool) -> None:
    """Raise InvalidInput if a terminal is wanted and nobody would get its other end, or the other way round."""
    if wanted and not path:
        raise InvalidInput("process.terminal: a terminal needs --console-socket, to which its other end is sent")
    if path and not wanted:
        raise InvalidInput("--console-socket: process.terminal is false, so that there is no terminal to be sent")
    if path and not Path(path).exists():
        raise InvalidInput(f"--console-socket {path}: there is no such socket")
