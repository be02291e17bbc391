"""The terminal of a container that `run --step` starts in this process, joined to the caller's."""

import errno
import os
import select
from typing import Final

from labcore.native import Process
from labcore.runtime.terminal import resize, take
from labcore.terminal import STDIN, STDOUT, joined_terminal, terminal_size

CHUNK_SIZE: Final = 1 << 16


class ContainerTerminal:
    """The other end of a container's terminal. `take` is for the sync point `terminal` of its launch."""

    def __init__(self) -> None:
        self._master = -1

    def take(self, process: Process) -> None:
        """Take it from the process that has made it, and tell it how large the caller's terminal is."""
        self._master = take(process)
        self._fit()

    def join(self, process: Process, *, interactive: bool) -> None:
        """Carry bytes both ways until the process has ended, and all that it has written is out."""
        with joined_terminal(lambda rows, columns: resize(self._master, rows, columns), reads_input=interactive) as begin:
            begin()
            self._carry(process, interactive=interactive)

    def close(self) -> None:
        """Let go of it; whoever is left in the container gets a hangup."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def _fit(self) -> None:
        if size := terminal_size():
            resize(self._master, *size)

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
