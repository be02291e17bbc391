"""Process handles: pidfd, standard streams, exit code, report."""

from __future__ import annotations

import errno
import os
import select
import sys
import time
from contextlib import suppress

from labcore.errors import InvalidInput, SystemCallError, Unavailable
from labcore.native._native import ffi, lib
from labcore.native.block import OUTCOME, REPORT
from labcore.native.calls import pidfd_send_signal
from labcore.native.flags import CloneFlag
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import BinaryIO, NoReturn, Protocol, Self

    from labcore.spec import Moment

    class ExitSource(Protocol):
        """The source of a process's exit code: the kernel for an own child, the monitor for one of its."""

        def fileno(self) -> int:
            """Return a descriptor that becomes readable when the exit is known."""

        def collect(self) -> int:
            """Wait for the exit, return it (negative: the signal that killed), and release all resources."""

        def release(self) -> None:
            """Release all resources without waiting."""


SIGKILL = 9  # `signal` imports much
RELEASED = -1000  # a return code that nobody will ever know


class Outcome(Record):
    """The outcome of one step: when it began (CLOCK_MONOTONIC, ns; 0: never), and its errno (0, or a tolerated one)."""

    started: int
    error: int


class Report:
    """The walker's report; the fields are those of `struct report` in csrc/block.h."""

    def __init__(self, memory: bytes) -> None:
        self.outcome_bytes = memory[REPORT.size :]
        fields = REPORT.unpack_from(memory)
        self.cloned, self.returned, self.pid_inside, self.failed, self.error, self.reached = fields

    @property
    def outcomes(self) -> list[Outcome]:
        """One for each step, in order."""
        return [Outcome(started, error) for started, error, _ in OUTCOME.iter_unpack(self.outcome_bytes)]


class OwnChild:
    """The exit of a child of this process: waitid(2) on its pidfd."""

    def __init__(self, pidfd: int) -> None:
        self._pidfd = pidfd

    def fileno(self) -> int:
        """Return the pidfd: readable when the process has ended."""
        return self._pidfd

    def release(self) -> None:
        """Do nothing: only the pidfd is held, and the child stays this process's child."""

    def collect(self) -> int:
        """Reap the child."""
        info = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED)
        assert info is not None
        return as_return_code(info.si_code, info.si_status)


def as_return_code(code: int, status: int) -> int:
    """Return `si_code` and `si_status` of siginfo_t as one number: the exit code, or minus the signal."""
    return status if code == os.CLD_EXITED else -status


class Process:
    """A process that was started, held by its pidfd: no other that gets its number later is ever meant.

    `pid` is the number seen from here, `pid_inside` the one its own PID namespace gave it. `stdin`, `stdout`, `stderr` are
    this side's ends of pipes that were asked for, else None. `cloned` is when clone was called (CLOCK_MONOTONIC, ns; 0: not
    known). As a context manager it kills and reaps what still runs.
    """

    def __init__(self, pid: int, pidfd: int, source: ExitSource) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.pid_inside = pid
        self.returncode: int | None = None
        self.cloned = 0
        self.draw_timeline: Callable[[], tuple[Moment, ...]] = tuple
        self.stdin: BinaryIO | None = None
        self.stdout: BinaryIO | None = None
        self.stderr: BinaryIO | None = None
        self.source = source

    def __repr__(self) -> str:
        state = "running" if self.returncode is None else f"ended with {self.returncode}"
        return f"<Process {self.pid} (inside: {self.pid_inside}), {state}>"

    @property
    def timeline(self) -> tuple[Moment, ...]:
        """When each op of the plan that started it was done; empty if it was started by no plan."""
        return self.draw_timeline()

    def poll(self) -> int | None:
        """Return the exit code if the process has ended (minus the signal if one killed it), else None."""
        return self._collect() if self.returncode is None and self._ended(0) else self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends and return the exit code, or minus the signal. Raises TimeoutError after `timeout` seconds."""
        if self.returncode is not None:
            return self.returncode
        if not self._ended(timeout):
            raise TimeoutError(f"process {self.pid} still runs after {timeout} s")
        return self._collect()

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when its end is known, and hangs up when nobody stands beside it."""
        return self.source.fileno()

    def kill(self, number: int = SIGKILL) -> None:
        """Send a signal; one that has ended already is left in peace."""
        if self.returncode is None:
            try:
                pidfd_send_signal(self.pidfd, number)
            except SystemCallError as error:
                if error.errno != errno.ESRCH:  # it has ended and is not reaped yet
                    raise

    def communicate(self, input: bytes = b"", timeout: float | None = None) -> tuple[bytes, bytes]:
        """Feed the stdin pipe, read the stdout and stderr pipes to their ends, wait. Raises TimeoutError."""
        deadline = None if timeout is None else time.monotonic() + timeout
        output = _exchange(self, memoryview(input), deadline)
        self.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return output

    def release(self) -> None:
        """Let it run on: this process does not wait for it any more."""
        self.source.release()
        os.close(self.pidfd)
        self.returncode = RELEASED
        self._close_streams()

    def close(self) -> None:
        """Kill the process if it still runs, reap it, close its streams."""
        try:
            if self.returncode is None:
                self.kill()
                self.wait()
        finally:
            self._close_streams()

    def _close_streams(self) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        # Nobody holds the process any more. What has ended must not stay a zombie; what runs, runs on.
        if getattr(self, "returncode", 0) is None and self.poll() is None:
            import warnings

            warnings.warn(f"process {self.pid} still runs and nobody waits for it", ResourceWarning, stacklevel=2)
            os.close(self.pidfd)

    def _ended(self, timeout: float | None) -> bool:
        poller = select.poll()
        poller.register(self.source.fileno(), select.POLLIN)
        return bool(poller.poll(_milliseconds(timeout)))

    def _collect(self) -> int:
        try:
            self.returncode = self.source.collect()
        except BaseException:
            # Nobody can say any more how it ends, so it ends here.
            self.kill()
            self.returncode = -SIGKILL
            raise
        finally:
            os.close(self.pidfd)
        return self.returncode


def _milliseconds(seconds: float | None) -> float | None:
    """Return a time as poll(2) takes it: what is more than it can count is for ever. Raises InvalidInput for no number."""
    if seconds is None or seconds * 1000 >= 1 << 31:
        return None
    if seconds != seconds:  # not a number
        raise InvalidInput(f"timeout: {seconds} is no number of seconds")
    return max(0.0, seconds) * 1000


def _exchange(process: Process, pending: memoryview, deadline: float | None) -> tuple[bytes, bytes]:
    """Move bytes through a process's pipes until all of them are closed."""
    chunks: dict[int, bytearray] = {}
    poller = select.poll()
    writer = process.stdin
    if writer is not None:
        os.set_blocking(writer.fileno(), False)
        poller.register(writer.fileno(), select.POLLOUT)
    readers = [stream for stream in (process.stdout, process.stderr) if stream is not None]
    for stream in readers:
        chunks[stream.fileno()] = bytearray()
        poller.register(stream.fileno(), select.POLLIN)

    open_ends = len(readers) + (writer is not None)
    while open_ends:
        events = poller.poll(None if deadline is None else _milliseconds(deadline - time.monotonic()))
        if not events:
            raise TimeoutError(f"process {process.pid} still runs")
        for fd, _ in events:
            if writer is not None and fd == writer.fileno():
                pending = _feed(fd, pending)
                done = not pending
            else:
                chunk = os.read(fd, 1 << 16)
                chunks[fd] += chunk
                done = not chunk
            if done:
                poller.unregister(fd)
                open_ends -= 1
                if writer is not None and fd == writer.fileno():
                    writer.close()
                    writer = None
    out, err = (bytes(chunks[s.fileno()]) if s is not None else b"" for s in (process.stdout, process.stderr))
    return out, err


def _feed(fd: int, pending: memoryview) -> memoryview:
    try:
        return pending[os.write(fd, pending[: 1 << 16]) :] if pending else pending
    except BrokenPipeError:  # it does not want the rest
        return pending[:0]


def threads() -> int:
    """Return how many threads this process has by the kernel's count, not by Python's."""
    return len(os.listdir("/proc/self/task"))


def clone(function: Callable[[], int | None], *, flags: CloneFlag = CloneFlag(0)) -> Process:
    """Run a Python function in a new process with the namespaces of `flags`; what it returns is the exit code.

    clone(2), as fork does it: the child has a copy of this process's memory. Only for processes without threads, for a lock
    that another thread held would stay locked in the child for ever. Raises Unavailable in a process with threads.
    """
    if (count := threads()) > 1:
        raise Unavailable(
            f"clone: this process has {count} threads, and a copy of it could hang on a lock that one of them holds; "
            "start a program with labcore.spawn(plan), or call this from a process without threads"
        )
    if flags & CloneFlag.INTO_CGROUP:
        raise InvalidInput("clone: INTO_CGROUP needs a cgroup: use labcore.spawn(plan)")
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()  # or the child would write it a second time
    pidfd = ffi.new("int *", -1)
    pid = int(lib.lc_fork(int(flags), pidfd))
    if pid == 0:
        _run_in_child(function)
    if pid < 0:
        raise SystemCallError(-pid, "clone3", str(flags))
    return Process(pid, pidfd[0], OwnChild(pidfd[0]))


def _run_in_child(function: Callable[[], int | None]) -> NoReturn:
    """Call a function and exit, whatever happens: no other code of the caller's may run in the forked child."""
    code = 1
    try:
        code = _call(function)
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # a stream that is closed, or gone, has nothing to say
                stream.flush()
    finally:
        os._exit(code)


def _call(function: Callable[[], int | None]) -> int:
    try:
        return int(function() or 0) & 0xFF
    except SystemExit as request:
        return int(request.code) & 0xFF if isinstance(request.code, int) else int(bool(request.code))
    except BaseException:
        import traceback  # which costs 3 ms, and no start of a container needs it

        traceback.print_exc()
        return 1
