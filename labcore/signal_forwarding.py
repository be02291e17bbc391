"""Signals passed on to a container's program."""

from __future__ import annotations

import _signal as signal  # whose names `signal` makes an enumeration of, which takes long
import os
from _thread import allocate_lock, start_new_thread  # `threading` takes long too
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)

END = b"\0"  # after the last signal: that the pipe is closed is not seen while somebody forked has it


class SignalForwarding:
    """Signals (`numbers`) passed on to the program inside the block, also those that come while it is being started.

    A first process ignores those that it has no handler for, so with `second_kills` the second SIGINT or SIGTERM is SIGKILL.

    A thread passes them on, from the pipe that `signal.set_wakeup_fd` fills: the main thread runs Python's handlers between two
    steps of its own only, and one that comes just before it waits in the kernel would have to wait as well.
    """

    def __init__(self, numbers: Sequence[int] = FORWARDED, *, second_kills: bool = True) -> None:
        self._numbers = numbers
        self._second_kills = second_kills
        self._kill: Callable[[int], None] | None = None
        self._seen: list[int] = []
        self._before: dict[int, object] = {}
        self._lock = allocate_lock()
        self._ended = allocate_lock()  # held as long as the thread runs

    def __enter__(self) -> Self:
        reading, self._pipe = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._pipe, False)
        self._wakeup_before = signal.set_wakeup_fd(self._pipe, warn_on_full_buffer=False)
        self._ended.acquire()
        start_new_thread(self._pass_on, (reading,))
        self._before = {number: signal.signal(number, lambda *_: None) for number in self._numbers}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.write(self._pipe, END)
        self._ended.acquire()
        os.close(self._pipe)

    def go_to(self, kill: Callable[[int], None]) -> None:
        """Name the function that sends the program a signal; it gets those that have come already."""
        with self._lock:
            self._kill = kill
            for number in self._seen:
                kill(number)

    def _pass_on(self, reading: int) -> None:
        number = b""
        while number != END:
            number = os.read(reading, 1)
            if number[0] in self._numbers:
                self._forward(number[0])
        os.close(reading)
        self._ended.release()

    def _forward(self, number: int) -> None:
        with self._lock:
            again = self._second_kills and number in self._seen and number in (signal.SIGINT, signal.SIGTERM)
            self._seen.append(number)
            if self._kill is not None:
                with suppress(OSError, ValueError):  # it has ended, and the main thread has closed what names it
                    self._kill(signal.SIGKILL if again else number)
