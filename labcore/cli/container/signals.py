"""Signals passed on to a container's program."""

from __future__ import annotations

import os
import signal
from _thread import allocate_lock, start_new_thread  # `threading` is read for its classes: a millisecond of each run
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from labcore.native import Process

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


class Signals:
    """Signals passed on to the program inside the block, also those that come while it is being started.

    A first process ignores those that it has no handler for, so the second SIGINT or SIGTERM is SIGKILL.

    A thread passes them on, from the pipe that `signal.set_wakeup_fd` fills: the main thread runs Python's handlers between two
    steps of its own only, and one that comes just before it waits in the kernel would have to wait as well.
    """

    def __init__(self) -> None:
        self._process: Process | None = None
        self._seen: list[int] = []
        self._before: dict[int, object] = {}
        self._lock = allocate_lock()

    def __enter__(self) -> Self:
        reading, self._pipe = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._pipe, False)
        self._wakeup_before = signal.set_wakeup_fd(self._pipe, warn_on_full_buffer=False)
        start_new_thread(self._pass_on, (reading,))
        self._before = {number: signal.signal(number, lambda *_: None) for number in FORWARDED}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._pipe)

    def go_to(self, process: Process) -> None:
        """Name the process that they are for; it gets those that have come already."""
        with self._lock:
            self._process = process
            for number in self._seen:
                process.kill(number)

    def _pass_on(self, reading: int) -> None:
        while numbers := os.read(reading, 64):
            for number in numbers:
                if number in FORWARDED:
                    self._forward(number)
        os.close(reading)

    def _forward(self, number: int) -> None:
        with self._lock:
            again = number in self._seen and number in (signal.SIGINT, signal.SIGTERM)
            self._seen.append(number)
            if self._process is not None:
                with suppress(OSError, ValueError):  # it has ended, and the main thread has closed what names it
                    self._process.kill(signal.SIGKILL if again else number)
