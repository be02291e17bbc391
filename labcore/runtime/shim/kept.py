"""A container's directory, and what can be learned there."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from labcore.errors import LabcoreError
from labcore.native import Process
from labcore.native.monitor import EXITED, MonitorLost, receive
from labcore.native.process import as_return_code
from labcore.record import Record
from labcore.runtime.shim.logs import LogRecord, follow, records
from labcore.runtime.shim.place import near
from labcore.spec import Input, LogPolicy


class NotRunning(LabcoreError):
    """The container has ended, or its monitor is gone."""


class Ended(Record):
    """How a container ended: its return code (negative: the signal that killed), when (ns since 1970), how much it had put out.

    `failed` is the step of its plan that failed before it became its program, with its errno; -1: it did become it.
    """

    returncode: int
    time: int
    output: int
    failed: int = -1
    error: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what the monitor wrote."""
        code, status, time, output, failed, error = map(int, text.split())
        return cls(as_return_code(code, status), time, output, failed, error)


class Kept(Record):
    """Where a container is kept. `input`: none; `open` as long as the container lives; or `once`, for the first who attaches.

    The directory is the caller's, and no two containers' at once.
    """

    directory: str
    input: Input = "none"
    log: LogPolicy = LogPolicy()

    def meet(self) -> Process:
        """Return the container's process, to be signalled and waited for as if it had been started here.

        Its `stdin` is the container's input, or its terminal (whose output is the log's to read); with `once`, whoever comes
        first has it. Let go of it by `release`: closing it kills. Raises NotRunning.
        """
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with near(self.directory) as place:
                channel.connect(f"{place}/meeting")
            met = receive(channel)
        except (OSError, MonitorLost):
            channel.close()
            why = "the container has ended, or its monitor was killed"
            raise NotRunning(f"no monitor answers in {self.directory}: {why}") from None
        pidfd, *given = met.descriptors
        process = Process(met.pid, pidfd, Visit(channel, self))
        if given:
            process.stdin = os.fdopen(given[0], "wb", buffering=0)
        return process

    def ended(self) -> Ended | None:
        """Return how the container ended; None while it runs, and for ever if its monitor was killed: see `lost`."""
        try:
            return Ended.parse(Path(self.directory, "exit").read_text())
        except FileNotFoundError:
            return None

    def lost(self) -> bool:
        """Return whether nobody will ever know: the monitor is gone, and did not say how the container ended."""
        try:
            self.meet().release()
        except NotRunning:
            return self.ended() is None
        return False

    def output(self) -> Iterator[LogRecord]:
        """Read the container's output so far, from the oldest that is kept."""
        return records(Path(self.directory))

    def follow(self) -> Iterator[LogRecord]:
        """Read the container's output up to its end, waiting for more. A slow reader makes nobody wait."""
        try:
            process = self.meet()
        except NotRunning:
            return self.output()
        return follow(Path(self.directory), process)


class Visit:
    """The exit of a container that was found: the monitor's last word to its visitors, or else what it wrote down."""

    def __init__(self, channel: socket.socket, kept: Kept) -> None:
        self._channel = channel
        self._kept = kept

    def fileno(self) -> int:
        """Return the socket: readable when the monitor has spoken, or is gone."""
        return self._channel.fileno()

    def release(self) -> None:
        """Leave; the container runs on."""
        self._channel.close()

    def collect(self) -> int:
        """Return how it ended. Raises MonitorLost if nobody knows."""
        with self._channel:
            try:
                exited = receive(self._channel)
                assert exited.kind == EXITED
            except MonitorLost:
                if (ended := self._kept.ended()) is None:
                    raise
                return ended.returncode
        return as_return_code(exited.code, exited.status)
