"""Serial console: a child process whose output lines are time-stamped; it dies with its starter."""

import os
import selectors
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

CHUNK_SIZE: Final = 1 << 16
SAID_MAX: Final = 64 << 20  # bytes: one that says more is ended, before it fills our memory


class Line(NamedTuple):
    """A line without its end, and when its last byte came: seconds, time.monotonic."""

    at: float
    text: bytes


class Console:
    """A child with pipes to its standard input and output, served by a thread of its own.

    The thread also starts the child: the kernel's signal for a parent's death (prctl(2), PR_SET_PDEATHSIG) means the death of
    the thread, and this one ends after the child.
    """

    def __init__(self, argv: Sequence[str], *, firmware: int | None = None, lent: Sequence[int] = ()) -> None:
        self.lines: list[Line] = []
        self.errors = b""
        self.firmware: tuple[float, float] | None = None  # when its first and its last word came
        self.started_at = 0.0
        self.ended_at: float | None = None
        self._rest = b""
        self._size = 0
        self._news = threading.Condition()
        self._firmware = firmware
        self._failure: OSError | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._serve, args=(list(argv), tuple(lent)), daemon=True, name="labcore-vm")
        self._thread.start()
        try:
            self._wait_for_start()
        except BaseException:  # interrupted: nobody else knows of the child yet
            self._wait_for_start()
            self.kill()
            raise
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    @property
    def pid(self) -> int:
        """The child's number."""
        assert self._process is not None
        return self._process.pid

    @property
    def status(self) -> int | None:
        """How it ended, as `subprocess` says it; None while it runs."""
        return self._process.returncode if self._process and self.ended_at is not None else None

    def text(self) -> str:
        """Return its whole output."""
        with self._news:
            said = [*(line.text for line in self.lines), self._rest]
        return b"\n".join(said).decode(errors="replace")

    def wait_for(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """Wait until a condition is true; it is evaluated after each output, and when the child has ended."""
        with self._news:
            return self._news.wait_for(condition, timeout)

    def write(self, content: bytes) -> None:
        """Write to its standard input, unless it has ended."""
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(content)
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass

    def kill(self) -> None:
        """Kill it, and wait for its end."""
        if self._process is not None and self.ended_at is None:
            self._process.kill()
        self._thread.join()

    def _wait_for_start(self) -> None:
        self.wait_for(lambda: self._process is not None or self._failure is not None, None)

    def _serve(self, argv: list[str], lent: tuple[int, ...]) -> None:
        self.started_at = time.monotonic()
        try:
            process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=lent,
                start_new_session=True, env=os.environ | {"LC_ALL": "C"},
            )  # fmt: skip
        except OSError as error:
            self._tell(failure=error)
            return
        self._tell(process=process)
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdin is not None
        with process.stdout, process.stderr:
            self._read(process.stdout.fileno(), process.stderr.fileno())
        process.wait()
        process.stdin.close()
        self._tell(ended_at=time.monotonic())

    def _tell(
        self,
        *,
        process: "subprocess.Popen[bytes] | None" = None,
        failure: OSError | None = None,
        ended_at: float | None = None,
    ) -> None:
        with self._news:
            self._process = process or self._process
            self._failure = failure
            self.ended_at = ended_at
            self._news.notify_all()

    def _read(self, out: int, errors: int) -> None:
        """Take what comes until the standard output ends; of the firmware, only when."""
        with selectors.DefaultSelector() as selector:
            for fd in (out, errors, *([] if self._firmware is None else [self._firmware])):
                selector.register(fd, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    piece = os.read(key.fd, CHUNK_SIZE)
                    if not piece:
                        selector.unregister(key.fd)
                        if key.fd == out:
                            return
                    elif key.fd == out:
                        self._take(piece, time.monotonic())
                    elif key.fd == errors:
                        self.errors = (self.errors + piece)[-CHUNK_SIZE:]
                    else:
                        at = time.monotonic()
                        self.firmware = (self.firmware[0] if self.firmware else at, at)

    def _take(self, piece: bytes, at: float) -> None:
        with self._news:
            *whole, self._rest = (self._rest + piece).split(b"\n")
            self.lines += [Line(at, line.removesuffix(b"\r")) for line in whole]
            self._size += len(piece)
            if self._size > SAID_MAX and self._process is not None:
                self.errors = f"more than {SAID_MAX >> 20} MB on its serial line; it was ended for that".encode()
                self._process.kill()
            self._news.notify_all()
