"""A container's streams, joined to this process's: bytes both ways, signals or a terminal, detach keys, and its exit code."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from select import POLLIN, POLLOUT, poll

from labcore.detach_keys import KeyFilter, detach_keys
from labcore.errors import LabcoreError, Unavailable
from labcore.record import Record
from labcore.signal_forwarding import SignalForwarding
from labcore.terminal import STDIN, STDOUT, joined_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import Final

    from labcore.cli.flags import Parser
    from labcore.client import Client, Streams

STDERR: Final = 2
INPUT_BYTES: Final = 1 << 16
OUTPUT: Final = ("stdout", "stderr")


def attach_arguments(parser: Parser) -> None:
    """Declare what whoever is attached to a container chooses."""
    detach_keys_argument(parser)
    parser.add_argument(
        "--sig-proxy", action="store_true", default=True, help="pass signals on to it, unless it has a terminal"
    )


def detach_keys_argument(parser: Parser) -> None:
    """Declare the keys."""
    parser.add_argument(
        "--detach-keys", default="", metavar="KEYS", help="keys that leave it alone, with -t (default: ctrl-p,ctrl-q)"
    )


class Detached(LabcoreError):
    """The detach keys were typed: the container goes on without this client."""

    def __init__(self) -> None:
        super().__init__("read escape sequence")


class Attachment(Record):
    """How a client is attached to a container: what of its streams it has, and what goes to the container beside its input."""

    stdin: bool
    tty: bool
    output: tuple[str, ...] = OUTPUT
    keys: str = ""
    passes_signals: bool = True


def follow(client: Client, id: str, how: Attachment, *, starts: bool = True, condition: str = "next-exit") -> int:
    """Attach to a container, start it, and stay to its end; return its exit code. Raises Detached, and what the calls raise.

    It is attached to, and waited for, before it starts: nothing of its output is lost, nor its end.
    """
    containers, key_filter = client.containers, KeyFilter(detach_keys(how.keys)) if how.tty else None
    with ExitStack() as held:
        wanted = {name: name in how.output for name in OUTPUT}
        streams = held.enter_context(containers.attach(id, stdin=how.stdin, **wanted, detach_keys=how.keys))
        waiting = held.enter_context(containers.waiting(id, condition=condition))
        sys.stdout.flush()
        begin = held.enter_context(_joined(client, id, how))
        if starts:
            containers.start(id, detach_keys=how.keys)
        begin()
        carry(streams, reads_input=how.stdin, keys=key_filter)
        ended = waiting.result()
    if ended.error:
        raise Unavailable(f"the container has ended, but: {ended.error}")
    return ended.exit_code


def _joined(client: Client, id: str, how: Attachment) -> AbstractContextManager[Callable[[], None]]:
    """Join this terminal to the container's, or pass signals on; yields what is to be called once the container runs."""
    if how.tty:
        return joined_terminal(lambda *size: _resized(client, id, size), reads_input=how.stdin)
    return _signals_for(client, id) if how.passes_signals else nullcontext(lambda: None)


def _resized(client: Client, id: str, size: tuple[int, int]) -> None:
    with suppress(LabcoreError):  # it has ended
        client.containers.resize(id, *size)


@contextmanager
def _signals_for(client: Client, id: str) -> Iterator[Callable[[], None]]:
    def kill(number: int) -> None:
        with suppress(LabcoreError):  # it has ended
            client.containers.kill(id, str(number))

    with SignalForwarding() as signals:
        yield lambda: signals.go_to(kill)


def carry(streams: Streams, *, reads_input: bool, keys: KeyFilter | None = None) -> None:
    """Carry bytes both ways until the output has ended. Raises Detached when the keys have come."""
    streams.set_blocking(blocks=False)
    poller = poll()
    poller.register(streams, POLLIN)
    sender = _Input(streams, poller, keys) if reads_input else None
    connection = streams.fileno()
    while True:
        ready = [fd for fd, _ in poller.poll(0 if streams.pending else None)]
        if sender is not None and STDIN in ready:
            sender.read()
        elif sender is not None and sender.is_behind:
            sender.send()
        if connection in ready or streams.pending:
            pieces = streams.receive()
            if pieces is None:
                return
            for piece in pieces:
                write_all(STDERR if piece.stream == "stderr" else STDOUT, piece.content)


class _Input:
    """Standard input on its way to a container: more of it is read when the last of it has been sent."""

    def __init__(self, streams: Streams, poller: poll, keys: KeyFilter | None) -> None:
        self._streams = streams
        self._poller = poller
        self._keys = keys
        self._unsent = memoryview(b"")
        self._has_ended = False
        self._watch()

    def _watch(self) -> None:
        """Wait for what is to be read, or else for room to send the rest."""
        self._poller.modify(self._streams, POLLIN | (POLLOUT if self._unsent else 0))
        if self._unsent or self._has_ended:
            with suppress(KeyError):
                self._poller.unregister(STDIN)
        else:
            self._poller.register(STDIN, POLLIN)

    @property
    def is_behind(self) -> bool:
        """Whether there is something left to send."""
        return bool(self._unsent)

    def read(self) -> None:
        """Send what is to be read, or end the container's input. Raises Detached when the keys have come."""
        data = _read_input()
        if data is None:
            return
        passed, leaves = self._keys.passed(data) if self._keys else (data, False)
        self._unsent = memoryview(passed)
        self.send()
        if leaves:
            raise Detached
        if not data:
            self._has_ended = True
            self._streams.close_write()
            self._watch()

    def send(self) -> None:
        """Send what is left, as far as that goes without waiting."""
        try:
            self._unsent = self._unsent[self._streams.send(self._unsent) if self._unsent else 0 :]
        except (BrokenPipeError, ConnectionResetError):  # it has ended, or reads no more
            self._unsent = memoryview(b"")
            self._has_ended = True
        self._watch()


def _read_input() -> bytes | None:
    """Read standard input: None if nothing has come, nothing at its end, or when the terminal has been hung up."""
    try:
        return os.read(STDIN, INPUT_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def write_all(fd: int, data: bytes) -> None:
    """Write all of it to a stream of this process's, which may be one that does not block."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(fd, left) :]
        except BlockingIOError:
            writable = poll()
            writable.register(fd, POLLOUT)
            writable.poll()
