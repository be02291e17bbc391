"""The terminal of a container: made inside it, its other end handed to whoever asked (runtime.md; docker's `-t`)."""

import array
import os
import socket
import struct
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from labcore import native
from labcore.errors import InvalidInput
from labcore.native import TIOCGPTPEER, TIOCSCTTY, TIOCSPTLCK, TIOCSWINSZ, MountFlag, Process, Register, Step, TreeFlag
from labcore.runtime.ops import MakeFiles, Mount, Op

MASTER = 20  # where the child keeps the terminal's other end until it has been taken
FLAGS = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC


class OpenTerminal(Op):
    """Make a terminal in this root's own /dev/pts, and have it as standard streams and controlling terminal: pts(4).

    The other end stays open as descriptor 20 until `TerminalTaken`.
    """

    uid: int = 0
    name: ClassVar[str] = "terminal"

    def calls(self) -> Sequence[Step]:
        master, slave = Register(0), Register(1)
        return [
            native.openat.step(native.AT_FDCWD, "/dev/ptmx", FLAGS).replace(result=0),
            native.ioctl.step(master, TIOCSPTLCK, bytes(4)),
            native.ioctl.step(master, TIOCGPTPEER, FLAGS).replace(result=1),
            native.dup3.step(master, MASTER, os.O_CLOEXEC),
            native.close.step(master),
            *(native.dup3.step(slave, fd) for fd in range(3)),
            native.close.step(slave),
            native.ioctl.step(0, TIOCSCTTY, 0),
            native.fchownat.step(0, "", self.uid, -1 & 0xFFFFFFFF, TreeFlag.EMPTY_PATH),
        ]

    @cached_property
    def detail(self) -> str:
        return "/dev/ptmx as 0, 1, 2"


class TerminalTaken(Op):
    """Let go of the terminal's other end."""

    name: ClassVar[str] = "close"

    def calls(self) -> Sequence[Step]:
        return [native.close.step(MASTER)]

    @cached_property
    def detail(self) -> str:
        return "the terminal's other end"


def console_device() -> list[Op]:
    """Return the ops that show the terminal as /dev/console: the first of a new /dev/pts."""
    return [MakeFiles(("/dev/console",)), Mount("/dev/pts/0", "/dev/console", flags=MountFlag.BIND)]


def hand_over(process: Process, console_socket: str, size: tuple[int, int] | None) -> None:
    """Take the terminal's other end from the child and send it to a socket that somebody listens at: unix(7), SCM_RIGHTS."""
    master = native.pidfd_getfd(process.pidfd, MASTER)
    try:
        if size is not None:
            native.ioctl(master, TIOCSWINSZ, struct.pack("=HHHH", *size, 0, 0))
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
