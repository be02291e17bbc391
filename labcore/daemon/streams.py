"""Streams of attach, exec and logs: raw from a terminal, else multiplexed, each piece behind a head of eight bytes.

What a client types goes to the process as it comes. Its end of input is the process's; its detach keys end the attachment.
"""

import os
import select
import struct
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Final, Protocol

from labcore.cancellation import Cancellation
from labcore.daemon.versions import version_of
from labcore.detach_keys import KeyFilter
from labcore.http import Request
from labcore.runtime.shim import LogRecord

HEAD: Final = struct.Struct(">BxxxI")  # the stream's number, and how many bytes follow
STREAMS: Final = {"stdin": 0, "stdout": 1, "stderr": 2}
RAW: Final = "application/vnd.docker.raw-stream"
MULTIPLEXED: Final = "application/vnd.docker.multiplexed-stream"
MULTIPLEXED_SINCE: Final = (1, 42)  # the API's version


class Duplex(Protocol):
    """A client's connection: what was upgraded, or a websocket."""

    def read(self) -> bytes:
        """Return some bytes; nothing at the end. Raises OSError."""

    def write(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""


def framed(stream: str, data: bytes, *, tty: bool) -> bytes:
    """Return a piece of output as it is sent."""
    return data if tty else HEAD.pack(STREAMS[stream], len(data)) + data


def media_type(request: Request, *, tty: bool) -> str:
    """Return the content type of a stream; older clients, and hijacking ones that ask for no upgrade, know one alone."""
    return RAW if tty or version_of(request) < MULTIPLEXED_SINCE else MULTIPLEXED


def upgrade_headers(request: Request, *, tty: bool) -> dict[str, str]:
    """Return the headers of an answer that is upgraded."""
    return {"Content-Type": media_type(request, tty=tty) if request.upgrade else RAW}


class Attachment:
    """A client that is attached to a process: it gets the output, until the process has ended or the client has left."""

    def __init__(self, connection: Duplex, request: Request, *, multiplexed: bool, takes_keys: bool) -> None:
        self._connection = connection
        self._multiplexed = multiplexed
        self._takes_keys = takes_keys
        self.over = Cancellation()  # when it has ended
        request.on_disconnect(self.close)

    def write(self, stream: str, data: bytes) -> None:
        """Send a piece of output, to whoever is still there."""
        self._send(framed(stream, data, tty=not self._multiplexed))

    def send(self, records: list[LogRecord], wanted: frozenset[str]) -> None:
        """Send what was logged of the streams that are wanted."""
        self._send(
            b"".join(framed(each.stream, each.data, tty=not self._multiplexed) for each in records if each.stream in wanted)
        )

    def _send(self, data: bytes) -> None:
        if data and not self.over.is_set:
            try:
                self._connection.write(data)
            except OSError:
                self.close()

    def close(self) -> None:
        """End it."""
        self.over.set()

    def wait(self) -> None:
        """Wait for its end."""
        self.over.wait()

    def feed(self, fd: int, keys: bytes, *, ended: Callable[[], object], detached: Callable[[], object]) -> None:
        """Write what the client types to a descriptor, in a thread that closes it; at the client's end of input, say so.

        On a terminal the detach `keys` end the attachment.
        """
        arguments = (fd, KeyFilter(keys) if self._takes_keys else None, ended, detached)
        Thread(target=self._feed, args=arguments, name="attached-input", daemon=True).start()

    def _feed(
        self, fd: int, keys: KeyFilter | None, ended: Callable[[], object], detached: Callable[[], object]
    ) -> None:  # fmt: skip
        leaves = False
        try:
            with suppress(OSError):  # either end has gone
                while not leaves and (data := self._connection.read()):
                    passed, leaves = keys.passed(data) if keys else (data, False)
                    _write(fd, passed)
        finally:
            os.close(fd)
        if leaves:
            detached()
            self.close()
        else:
            ended()


def _write(fd: int, data: bytes) -> None:
    """Write all of it, however long that takes: a terminal's other end does not block, for its output is read so."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(fd, left) :]
        except BlockingIOError:
            poll = select.poll()
            poll.register(fd, select.POLLOUT)
            poll.poll()
