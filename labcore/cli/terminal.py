"""The caller's terminal, joined to a container's: raw mode, window size, and bytes both ways (`docker run -it`). termios(3)."""

import errno
import os
import select
import signal
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from labcore.errors import InvalidInput
from labcore.native import Process
from labcore.runtime.terminal import resize, take

CHUNK_SIZE: Final = 1 << 16
STDIN, STDOUT = 0, 1


class ContainerTerminal:
    """The other end of a container's terminal. `take` is for the sync point `terminal` of its launch."""

    def __init__(self) -> None:
        self._master = -1

    def take(self, process: Process) -> None:
        """Take it from the process that has made it, and tell it how large the caller's terminal is."""
        self._master = take(process)
        self.resize()

    def join(self, process: Process, *, interactive: bool) -> None:
        """Carry bytes both ways until the process has ended, and all that it has written is out."""
        with resized(self.resize), raw_mode(enabled=interactive):
            self._carry(process, interactive=interactive)

    def close(self) -> None:
        """Let go of it; whoever is left in the container gets a hangup."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def resize(self) -> None:
        """Tell the container's terminal how large the caller's is."""
        with suppress(OSError):  # the caller has no terminal, and then nobody looks
            columns, rows = os.get_terminal_size(STDOUT)
            resize(self._master, rows, columns)

    def _carry(self, process: Process, *, interactive: bool) -> None:
        poller = select.poll()
        for fd in (self._master, process.pidfd, *([STDIN] if interactive else [])):
            poller.register(fd, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poller.poll()}
            if STDIN in ready and not self._pass_on(STDIN, self._master):
                poller.unregister(STDIN)
            if self._master in ready:
                if not self._pass_on(self._master, STDOUT):
                    poller.unregister(self._master)
            elif process.pidfd in ready:
                return  # all that it has written was there before its end was seen

    def _pass_on(self, source: int, target: int) -> bool:
        """Pass on what there is to read; return False at its end. A terminal that nobody has open any more gives EIO."""
        try:
            data = os.read(source, CHUNK_SIZE)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        view = memoryview(data)
        while view:
            view = view[os.write(target, view) :]
        return bool(data)


def check_terminal(*, interactive: bool) -> None:
    """Raise InvalidInput if the input that is to be a container's terminal is none."""
    if interactive and not os.isatty(STDIN):
        raise InvalidInput("the input device is not a TTY: leave out -t, or start it from a terminal")


@contextmanager
def raw_mode(*, enabled: bool) -> Iterator[None]:
    """Have the caller's terminal pass on every key as it is; as it was again afterwards, also if this process is killed."""
    if not enabled:
        yield
        return
    before = termios.tcgetattr(STDIN)
    restorer, released = _restored_when_killed(before)
    try:
        tty.setraw(STDIN, termios.TCSANOW)
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, before)
        os.write(released, b"!")
        os.close(released)
        os.waitpid(restorer, 0)


def _restored_when_killed(before: "list[int | list[bytes | int]]") -> tuple[int, int]:
    """Start a process that restores the terminal if this one dies; return it, and the descriptor at which it is told not to."""
    reader, writer = os.pipe()
    if pid := os.fork():
        os.close(reader)
        return pid, writer
    try:
        os.close(writer)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # SIGTTOU among them
        if not os.read(reader, 1):
            termios.tcsetattr(STDIN, termios.TCSANOW, before)
    finally:
        os._exit(0)


@contextmanager
def resized(resize_it: Callable[[], None]) -> Iterator[None]:
    """Have a function called whenever the caller's terminal changes its size."""
    before = signal.signal(signal.SIGWINCH, lambda _number, _frame: resize_it())
    try:
        resize_it()
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
