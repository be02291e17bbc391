"""attach: a container's input given, its output as it comes, and its end; and all three at once, for the library."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

from labcore.engine.container.completed import Completed, exit_code
from labcore.engine.container.lifecycle import status_of
from labcore.engine.container.logs import within
from labcore.engine.container.start import start
from labcore.engine.container.state import current, get, shim_of
from labcore.engine.containers import attach, wait_for
from labcore.engine.engine import Engine
from labcore.engine.records.records import Container
from labcore.errors import InUse, NotFound, NotRunning
from labcore.native import Process
from labcore.runtime.shim import LogRecord


def output(engine: Engine, container: Container, since: int) -> Iterator[LogRecord]:
    """Yield what a container puts out from that moment (ns since 1970) on, as it comes, until it has ended."""
    return within(shim_of(engine, container).follow(is_attached=True), since, None)


def check_can_attach(container: Container, name: str) -> None:
    """Raise InUse if nobody can attach now to a container that the caller calls by that name, in docker's words."""
    status = status_of(container)
    if status == "paused":
        raise InUse(f"container {name} is paused, unpause the container before attach")
    if status == "restarting":
        raise InUse(f"container {name} is restarting, wait until the container is running")


def input_of(engine: Engine, container: Container) -> int | None:
    """Return a descriptor to write a running container's input to, or its terminal's other end; None if it takes none.

    The caller closes it, which is not the input's end: that is `close_input`. Raises NotRunning.
    """
    process = attach(engine, get(engine, container.id), with_input=True)
    try:
        return os.dup(process.stdin.fileno()) if process.stdin else None
    finally:
        process.release()


def close_input(engine: Engine, container: Container) -> None:
    """End a container's input, but for what other clients have open of it. A terminal has no end."""
    if not container.options.tty:
        with suppress(NotRunning):
            shim_of(engine, container).close_input()


def ended(engine: Engine, container: Container, process: Process) -> int:
    """Wait for a container that was started or attached to; note how it ended, and return its exit code."""
    code = wait_for(process, None)
    with suppress(NotFound):  # somebody has removed it at once
        current(engine, engine.records.find(container.id))
    return code


def run_to_end(engine: Engine, text: str, *, input: bytes = b"", timeout: float | None = None) -> Completed:
    """Start a container, give it its input if it takes any, and return what it has put out from then on, and its exit.

    After `timeout` seconds it is killed, and TimeoutError raised. Raises as `start`.
    """
    container, since = engine.records.find(text), time.time_ns()
    with start(engine, container.id, with_input=True) as process:
        if process.stdin is not None:
            threading.Thread(target=_feed, args=(process, input), daemon=True).start()
        process.wait(timeout)
    container = current(engine, engine.records.find(container.id))
    said = {"stdout": b"", "stderr": b""}
    for record in within(shim_of(engine, container).output(), since, None):
        said[record.stream] += record.data
    return Completed(exit_code(process), said["stdout"], said["stderr"], process.draw_timeline, process.pid, process.pid_inside)


def _feed(process: Process, input: bytes) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as writer:
        left = memoryview(input)
        while left:
            left = left[writer.write(left) :]
