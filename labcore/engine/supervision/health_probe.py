"""A health probe: one run of a container's check, as a further process in it, with its exit code and its first output."""

import os
import select
import time
from contextlib import suppress
from typing import Final

from labcore.engine.container.completed import exit_code
from labcore.engine.container.events import log_container_event
from labcore.engine.container.exec import ExecOptions, execute
from labcore.engine.engine import Engine
from labcore.engine.records.ids import new_id
from labcore.engine.records.records import Container, run_config
from labcore.engine.supervision.health_state import ProbeResult
from labcore.errors import LabcoreError
from labcore.native import DEVNULL, Process
from labcore.spec import Healthcheck
from labcore.timestamps import SECOND, now

OUTPUT_BYTES: Final = 4096  # that are kept of what a check puts out
SHELL: Final = ("/bin/sh", "-c")
FAILED: Final = -1  # the exit code of a check that could not be run, or took too long


def run_probe(engine: Engine, container: Container, check: Healthcheck) -> ProbeResult:
    """Run a container's check to its end, or to the end of its time."""
    command, start = _command(container, check), now()
    about = f"{command[0]} {' '.join(command[1:])}"
    exec_id = new_id()
    log_container_event(engine, container, f"exec_create: {about}", execID=exec_id)
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as output, os.fdopen(writer, "wb", buffering=0) as theirs:
        log_container_event(engine, container, f"exec_start: {about}", execID=exec_id)
        try:
            process = execute(engine, container.id, ExecOptions(command), stdin=DEVNULL, stdout=theirs, stderr=theirs)
        except LabcoreError as error:
            return ProbeResult(start, now(), FAILED, str(error))
        theirs.close()
        with process:
            collected = Output(output.fileno())
            ended = collected.until_end_of(process, check.timeout / SECOND)
        code = exit_code(process)
    log_container_event(engine, container, "exec_die", execID=exec_id, exitCode=str(code))
    if not ended:
        return ProbeResult(start, now(), FAILED, f"Health check exceeded timeout ({duration(check.timeout)}): {collected}")
    return ProbeResult(start, now(), code, str(collected))


def _command(container: Container, check: Healthcheck) -> tuple[str, ...]:
    if check.test[0] == "CMD":
        return check.test[1:]
    return (*(run_config(container).shell or SHELL), *check.test[1:])


class Output:
    """The first bytes of what comes out of a pipe."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._kept = b""
        self._is_cut = False

    def __str__(self) -> str:
        return self._kept.decode(errors="replace") + ("..." if self._is_cut else "")

    def until_end_of(self, process: Process, seconds: float) -> bool:
        """Read until a process has ended; return False if it has not after so long. Others that have the pipe do not count."""
        deadline = time.monotonic() + seconds
        poller = select.poll()
        poller.register(process.fileno(), select.POLLIN)
        poller.register(self._fd, select.POLLIN)
        while (left := deadline - time.monotonic()) > 0:
            for fd, _ in poller.poll(left * 1000):
                if fd != self._fd:
                    self._read_rest()
                    return True
                if not self._read():
                    poller.unregister(fd)
        return False

    def _read(self) -> bool:
        piece = os.read(self._fd, 1 << 16)
        room = OUTPUT_BYTES - len(self._kept)
        self._kept += piece[:room]
        self._is_cut = self._is_cut or len(piece) > room
        return bool(piece)

    def _read_rest(self) -> None:
        os.set_blocking(self._fd, False)
        with suppress(BlockingIOError):
            while self._read() and not self._is_cut:
                pass


def duration(nanoseconds: int) -> str:
    """Return a time as Go writes it: `300ms`, `30s`, `1m30s`, `1h0m0s`."""
    if nanoseconds < SECOND:
        for unit, size in (("ms", 10**6), ("µs", 10**3)):
            if nanoseconds >= size:
                return f"{nanoseconds / size:g}{unit}"
        return f"{nanoseconds}ns"
    seconds, rest = divmod(nanoseconds, SECOND)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    shown = f"{seconds}.{f'{rest:09}'.rstrip('0')}s" if rest else f"{seconds}s"
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + shown
