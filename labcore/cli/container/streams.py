"""Standard streams of containers: input pumped to one, its logged output shown, a terminal in raw mode with its size."""

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from labcore.engine import Engine
from labcore.engine.container.attach import ended, output
from labcore.engine.records.records import Container
from labcore.native import Process
from labcore.runtime.shim import LogRecord

CHUNK_SIZE = 1 << 16
DETACH_KEYS = b"\x10\x11"  # Ctrl-P Ctrl-Q


def follow(engine: Engine, container: Container, process: Process, since: int, *, with_output: bool = True) -> int:
    """Give a container this process's input, if `process` has the container's, and show its output; return its exit code.

    On a terminal, Ctrl-P Ctrl-Q leaves it running: then 0 is returned.
    """
    terminal = process.stdin if container.options.tty else None
    with _terminal(terminal):
        left = threading.Event()
        if process.stdin is not None:
            start_pump(process.stdin, left.set if terminal else None, closes=terminal is None)
        if with_output or terminal:
            show(_until(left, output(engine, container, since)))
    if left.is_set():
        process.release()
        return 0
    return ended(engine, container, process)


def _until(left: threading.Event, records: Iterable[LogRecord]) -> Iterator[LogRecord]:
    for record in records:
        if left.is_set():
            return
        yield record


def show(records: Iterable[LogRecord]) -> None:
    """Write output to this process's own streams as it comes."""
    for record in records:
        stream = sys.stdout.buffer if record.stream == "stdout" else sys.stderr.buffer
        stream.write(record.data)
        stream.flush()


def start_pump(writer: BinaryIO, detach: Callable[[], None] | None, *, closes: bool) -> None:
    """Copy standard input to a container in a thread; at its end, the container's is closed if it `closes`."""

    def pump() -> None:
        with suppress(OSError, ValueError):  # it has ended, and the other end is closed
            while chunk := os.read(0, CHUNK_SIZE):
                if detach and DETACH_KEYS in chunk:
                    detach()
                    return
                _write(writer, chunk)
        if closes:
            writer.close()

    threading.Thread(target=pump, daemon=True).start()


def _write(writer: BinaryIO, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[writer.write(left) :]


@contextmanager
def _terminal(terminal: BinaryIO | None) -> Iterator[None]:
    """Join this terminal to a container's: each key as it is, and the size whenever that changes."""
    if terminal is None or not sys.stdin.isatty():
        yield
        return
    from labcore.cli.terminal import raw_mode, resized
    from labcore.runtime.terminal import resize

    def fit() -> None:
        with suppress(OSError):
            size = os.get_terminal_size(0)
            resize(terminal.fileno(), size.lines, size.columns)

    with resized(fit), raw_mode(enabled=True):
        yield
