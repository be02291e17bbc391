"""A terminal in the foreground: what is typed here goes to the container's, and what comes out of that is shown here."""

from __future__ import annotations

import os
import select
from contextlib import suppress

from labcore.runtime.terminal import resize, take
from labcore.signal_forwarding import FORWARDED, SignalForwarding
from labcore.terminal import SIGNALS, STDIN, STDOUT, raw_mode, terminal_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from labcore.native import Process

CHUNK = 1 << 16
MOST_PENDING = 1 << 16  # bytes that were read here, and that the container has not yet read


class Foreground:
    """The terminal of a process that is waited for, if it has one: its other end is this process's own."""

    def __init__(self) -> None:
        self.master = -1

    def check(self, *, wanted: bool) -> None:
        """Whether there is one or not: both will do."""

    def take(self, process: Process) -> None:
        """Take the terminal's other end from the process; it is as large as the terminal here."""
        self.master = take(process)
        self._fit()
        if not os.isatty(STDOUT):
            _end_lines_plainly(self.master)

    def relay(self, process: Process) -> None:
        """Join it to this process's standard streams until the process has ended and all it said has been shown.

        A terminal here is raw meanwhile, and its size the container's; signals go to the process.
        """
        if self.master < 0:
            return
        with raw_mode(enabled=True) as set_raw, SignalForwarding((*FORWARDED, *SIGNALS), second_kills=False) as signals:
            signals.go_to(lambda number: self._signalled(number, process, set_raw))
            _relay(self.master, process.pidfd)
        os.close(self.master)
        self.master = -1

    def _signalled(self, number: int, process: Process, set_raw: Callable[[], None]) -> None:
        if number in FORWARDED:
            process.kill(number)
            return
        set_raw()  # who was stopped and goes on
        self._fit()

    def _fit(self) -> None:
        if size := terminal_size():
            resize(self.master, *size)


def _end_lines_plainly(master: int) -> None:
    """Have lines end as in any file, and not by a carriage return, too: who reads them is no terminal. termios(3), ONLCR."""
    import termios

    modes = termios.tcgetattr(master)
    modes[1] &= ~termios.ONLCR
    termios.tcsetattr(master, termios.TCSANOW, modes)


def _relay(master: int, pidfd: int) -> None:
    """Copy both ways until the process has ended; an end of the input is none of the terminal's."""
    os.set_blocking(master, False)
    pending, reads = b"", True
    ready: dict[int, int] = {}
    while pidfd not in ready:
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        if not ready.get(master, 0) & select.POLLHUP:  # else nobody has it open any more: the end is near
            poller.register(master, select.POLLIN | (select.POLLOUT if pending else 0))
        if reads and len(pending) < MOST_PENDING:
            poller.register(STDIN, select.POLLIN)
        ready = dict(poller.poll())
        if STDIN in ready:
            typed = _read(STDIN)
            pending, reads = pending + typed, bool(typed)
        if ready.get(master, 0) & select.POLLOUT:
            with suppress(OSError):  # EAGAIN, EIO: it is full, or nobody has it open
                pending = pending[os.write(master, pending) :]
        _show(master)
    while _show(master):
        pass


def _show(master: int) -> bool:
    """Show what has come out of a terminal, as long as somebody reads it; return whether there was something."""
    said = shown = _read(master)
    with suppress(OSError):  # EPIPE: nobody does any more; the process goes on all the same
        while shown:
            shown = shown[os.write(STDOUT, shown) :]
    return bool(said)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, CHUNK)
    except OSError:  # EAGAIN: nothing yet; EIO: nobody has the terminal open, or ours is gone, pty(7)
        return b""
