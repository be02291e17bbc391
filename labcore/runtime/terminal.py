"""The pseudo-terminal of a container, pty(7): made inside it, its master taken by the launcher (docker's `-t`)."""

from __future__ import annotations

import os
import struct
from functools import cached_property

from labcore import native
from labcore.native import (
    TIOCGPTPEER,
    TIOCSCTTY,
    TIOCSPTLCK,
    TIOCSWINSZ,
    CloneFlag,
    MoveFlag,
    Register,
    Resolve,
    TreeFlag,
)
from labcore.runtime.ops import MakeFiles, Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from labcore.native import (
        Process,
        Step,
    )

MASTER = 20  # where the child keeps the terminal's other end until it has been taken
FLAGS = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC


class OpenTerminal(Op):
    """Make a terminal in this root's own /dev/pts, and have it as standard streams and controlling terminal: pts(4).

    `size` are its rows and columns: ioctl_tty(2), TIOCSWINSZ. The other end stays open as descriptor 20 until `TerminalTaken`.
    """

    uid: int = 0
    size: tuple[int, int] | None = None
    name: ClassVar[str] = "terminal"

    def calls(self) -> Sequence[Step]:
        master, slave = Register(0), Register(1)
        return [
            native.openat2.step(native.AT_FDCWD, "/dev/ptmx", FLAGS, resolve=Resolve.NO_MAGICLINKS).replace(result=0),
            native.ioctl.step(master, TIOCSPTLCK, bytes(4)),
            native.ioctl.step(master, TIOCGPTPEER, FLAGS).replace(result=1),
            native.dup3.step(master, MASTER, os.O_CLOEXEC),
            native.close.step(master),
            *(native.dup3.step(slave, fd) for fd in range(3)),
            native.close.step(slave),
            native.ioctl.step(0, TIOCSCTTY, 0),
            native.fchownat.step(0, "", self.uid, -1 & 0xFFFFFFFF, TreeFlag.EMPTY_PATH),
            *([native.ioctl.step(0, TIOCSWINSZ, _winsize(*self.size))] if self.size else []),
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


class BindTerminal(Op):
    """Show the terminal at a path, in the place of the file there; by its descriptor, and through no symbolic link."""

    path: str
    name: ClassVar[str] = "bind"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    def calls(self) -> Sequence[Step]:
        tree, place = Register(0), Register(1)
        look = native.openat2.step(native.AT_FDCWD, self.path, os.O_PATH | os.O_CLOEXEC, resolve=Resolve.NO_SYMLINKS)
        return [
            native.open_tree.step(0, "", TreeFlag.CLONE | TreeFlag.EMPTY_PATH).replace(result=0),
            look.replace(result=1),
            native.move_mount.step(tree, "", place, "", MoveFlag.F_EMPTY_PATH | MoveFlag.T_EMPTY_PATH),
            native.close.step(place),
            native.close.step(tree),
        ]

    @cached_property
    def detail(self) -> str:
        return f"the terminal on {self.path}"


def console_device() -> list[Op]:
    """Return the ops that show the terminal as /dev/console."""
    return [MakeFiles(("/dev/console",)), BindTerminal("/dev/console")]


def take(process: Process) -> int:
    """Take the terminal's other end from the child, at the `sync` before `TerminalTaken`; the caller closes it."""
    return native.pidfd_getfd(process.pidfd, MASTER)


def give_to_shim(process: Process) -> None:
    """Hand the terminal's other end to the shim, which logs what comes out of it."""
    from labcore.native.monitor import give_terminal

    master = take(process)
    try:
        give_terminal(process, master)
    finally:
        os.close(master)


def resize(terminal: int, rows: int, columns: int) -> None:
    """Tell a terminal its size, and its foreground processes that it has changed: ioctl_tty(2), TIOCSWINSZ."""
    native.ioctl(terminal, TIOCSWINSZ, _winsize(rows, columns))


def _winsize(rows: int, columns: int) -> bytes:
    return struct.pack("=HHHH", rows, columns, 0, 0)
