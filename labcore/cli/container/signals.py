"""Signals passed on to a container's program."""

from __future__ import annotations

import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Self

    from labcore.native import Process

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


class Signals:
    """Signals passed on to the program inside the block, also those that come while it is being started.

    A first process ignores those that it has no handler for, so the second SIGINT or SIGTERM is SIGKILL.
    """

    def __init__(self) -> None:
        self._process: Process | None = None
        self._seen: list[int] = []
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._forward) for number in FORWARDED}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def go_to(self, process: Process) -> None:
        """Name the process that they are for; it gets those that have come already."""
        self._process = process
        for number in self._seen:
            process.kill(number)

    def _forward(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        again = number in self._seen and number in (signal.SIGINT, signal.SIGTERM)
        self._seen.append(number)
        if self._process is not None:
            self._process.kill(signal.SIGKILL if again else number)
