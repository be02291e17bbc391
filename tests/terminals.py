"""A terminal for tests: a program at the other end of a pty(7), which sees what people type and see."""

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.daemon import RunningDaemon

WAIT_SECONDS = 20


def _take_terminal() -> None:
    """Make standard input's terminal the session's own: Ctrl-C and a change of its size are signals then."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A program at a terminal of 24 rows and 80 columns, which is its session's."""

    def __init__(self, words: list[str]) -> None:
        self.master, slave = os.openpty()
        self.resize(24, 80)
        self.process = subprocess.Popen(
            words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=_take_terminal
        )
        os.close(slave)
        self.seen = ""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("=HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def has(self, typed: str, text: str) -> bool:
        """Type that, and return whether the text is seen soon: what is typed while a size is told may be lost."""
        self.type(typed)
        self._more(time.monotonic() + 0.3)
        while self._more(time.monotonic() + 0.1):
            pass
        return text in self.seen

    def until(self, text: str) -> str:
        """Read until that has come; return what is seen up to it, and forget that."""
        deadline = time.monotonic() + WAIT_SECONDS
        while text not in self.seen:
            assert self._more(deadline), f"not seen: {text!r}, but {self.seen!r}"
        before, found, self.seen = self.seen.partition(text)
        return before + found

    def _more(self, deadline: float) -> bool:
        if not select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:  # nobody has it any more
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)

    def wait(self) -> int:
        """Wait for its end, and return its exit status; what it says meanwhile is `seen`."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self._more(deadline):
            pass
        return self.process.wait(WAIT_SECONDS)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@contextmanager
def at_a_terminal(words: list[str]) -> Iterator[Terminal]:
    """Run a command at a terminal."""
    terminal = Terminal(words)
    try:
        yield terminal
    finally:
        terminal.close()


@contextmanager
def docker_at_a_terminal(daemon: RunningDaemon, *words: str) -> Iterator[Terminal]:
    """Run the stock docker command at a terminal."""
    with at_a_terminal(daemon.command(*words)) as terminal:
        yield terminal
