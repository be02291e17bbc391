"""A container's shim: attach to it, read its log and its exit."""

from __future__ import annotations

import os
from pathlib import Path

from labcore.errors import NotRunning
from labcore.native import Process
from labcore.native.monitor import EXITED, MonitorLost, receive
from labcore.native.process import as_return_code
from labcore.record import Record
from labcore.runtime.shim.log import LogReader, follow, opened
from labcore.spec import LogPolicy
from labcore.unix_sockets import channel, short_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from labcore.cancellation import Cancellation
    from labcore.runtime.shim.log import LogRecord
    from labcore.spec import Input
    from labcore.unix_sockets import Channel


class Exit(Record):
    """How a container ended: its return code (negative: the signal that killed), when (ns since 1970), how much it had put out.

    `failed` is the step of its plan that failed before it became its program, with its errno; -1: it did become it.
    """

    returncode: int
    time: int
    output: int
    failed: int = -1
    error: int = 0

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what the shim wrote; None if the machine crashed before that was on its disk."""
        try:
            code, status, time, output, failed, error = map(int, text.split())
        except ValueError:
            return None
        return cls(as_return_code(code, status), time, output, failed, error)


class Shim(Record):
    """The shim of the container of that directory, which is the caller's, and no two containers' at once.

    `input`: none; `open` as long as the container lives; or `once`, for the first client that attaches.
    """

    directory: str
    input: Input = "none"
    log: LogPolicy = LogPolicy()

    def attach(self) -> Process:
        """Return the container's process, to be signalled and waited for as if it had been started here.

        Its `stdin` is the container's input, or its terminal (whose output is the log's to read); with `once`, whoever comes
        first has it. Let go of it by `release`: closing it kills. Raises NotRunning.
        """
        connection = channel(packets=True)
        try:
            with short_path(self.directory) as directory:
                connection.connect(f"{directory}/attach.sock")
            attached = receive(connection)
        except (OSError, MonitorLost):
            connection.close()
            why = "the container has ended, or its shim was killed"
            raise NotRunning(f"no shim answers in {self.directory}: {why}") from None
        pidfd, *given = attached.descriptors
        process = Process(attached.pid, pidfd, AttachedExit(connection, self))
        if given:
            process.stdin = os.fdopen(given[0], "wb", buffering=0)
        return process

    def exit(self) -> Exit | None:
        """Return how the container ended; None while it runs, and for ever if its shim was killed: see `is_lost`."""
        try:
            return Exit.parse(Path(self.directory, "exit").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def is_lost(self) -> bool:
        """Return whether nobody will ever know: the shim is gone, and did not say how the container ended."""
        try:
            self.attach().release()
        except NotRunning:
            return self.exit() is None
        return False

    def close_input(self) -> None:
        """End the container's input, once whoever else has it lets go of it, too. A terminal has no end.

        Raises NotRunning.
        """
        process = self.attach()
        assert isinstance(process.source, AttachedExit)
        try:
            process.source.close_input()
        except BrokenPipeError:
            raise NotRunning(f"the shim in {self.directory} has just ended") from None
        finally:
            process.release()

    def reader(self, *, is_attached: bool = False) -> LogReader:
        """Open the container's log, at its beginning. Close it. With `is_attached` the container waits for it: `LogReader`."""
        return LogReader(self.directory, is_attached=is_attached)

    def followed(self, reader: LogReader, cancelled: Cancellation | None = None) -> Iterator[list[LogRecord]]:
        """Read on in the container's log up to its end, waiting for more."""
        try:
            process = self.attach()
        except NotRunning:
            return reader.available()
        if process.stdin is not None:  # or it would not end as long as somebody looks on
            process.stdin.close()
            process.stdin = None
        return follow(reader, self.directory, process, cancelled)

    def output(self) -> Iterator[LogRecord]:
        """Read the container's output so far, from the oldest that the log still has."""
        with opened(self.directory) as reader:
            for records in reader.available():
                yield from records

    def follow(self, *, is_attached: bool = False) -> Iterator[LogRecord]:
        """Read the container's output up to its end, waiting for more."""
        with opened(self.directory, is_attached=is_attached) as reader:
            for records in self.followed(reader):
                yield from records


class AttachedExit:
    """The exit of a container that was attached to: the shim's last message to its clients, or else what it wrote."""

    def __init__(self, connection: Channel, shim: Shim) -> None:
        self._connection = connection
        self._shim = shim

    def fileno(self) -> int:
        """Return the socket: readable when the shim has spoken, or is gone."""
        return self._connection.fileno()

    def release(self) -> None:
        """Detach; the container runs on."""
        self._connection.close()

    def close_input(self) -> None:
        """Have the shim close the container's input: csrc/shim.c."""
        self._connection.send(b"!")

    def collect(self) -> int:
        """Return how it ended. Raises MonitorLost if nobody knows."""
        with self._connection:
            try:
                exited = receive(self._connection)
                assert exited.kind == EXITED
            except MonitorLost:
                if (exit := self._shim.exit()) is None:
                    raise
                return exit.returncode
        return as_return_code(exited.code, exited.status)
