"""The caller's terminal: raw mode, which is undone in any case, and its size, told whenever that changes. termios(3)."""

from __future__ import annotations

import _signal as signal  # whose names `signal` makes an enumeration of, which takes long
import os
from contextlib import contextmanager, suppress

from labcore.errors import InvalidInput
from labcore.signal_forwarding import SignalForwarding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Final

STDIN: Final = 0
STDOUT: Final = 1
SIGNALS: Final = (signal.SIGWINCH, signal.SIGCONT)


def check_terminal(*, interactive: bool) -> None:
    """Raise InvalidInput if the input that is to be a container's terminal is none."""
    if interactive and not os.isatty(STDIN):
        raise InvalidInput("the input device is not a TTY: leave out -t, or start it from a terminal")


def terminal_size() -> tuple[int, int] | None:
    """Return rows and columns of the caller's terminal; None if it has none, or one without a size."""
    for fd in (STDOUT, STDIN):
        with suppress(OSError):
            size = os.get_terminal_size(fd)
            return (size.lines, size.columns) if size.lines and size.columns else None
    return None


@contextmanager
def joined_terminal(resize: Callable[[int, int], object], *, reads_input: bool) -> Iterator[Callable[[], None]]:
    """Join the caller's terminal to a container's: raw mode, if that gets its keys, and its size, told to `resize`.

    Yields what is to be called once the container's terminal is there. Who is stopped and goes on is in raw mode again.
    """
    with raw_mode(enabled=reads_input) as set_raw, SignalForwarding(SIGNALS) as signals:

        def fit(number: int) -> None:
            if number == signal.SIGCONT:
                set_raw()
            if size := terminal_size():
                resize(*size)

        def begin() -> None:
            fit(signal.SIGWINCH)
            signals.go_to(fit)

        yield begin


@contextmanager
def raw_mode(*, enabled: bool) -> Iterator[Callable[[], None]]:
    """Have the caller's terminal pass on every key as it is; as it was again afterwards, also if this process is killed.

    Yields what sets raw mode again.
    """
    if not enabled or not os.isatty(STDIN):
        yield lambda: None
        return
    import termios
    import tty

    before = termios.tcgetattr(STDIN)
    restorer, released = _restored_when_killed(before)
    try:
        tty.setraw(STDIN, termios.TCSANOW)
        yield lambda: tty.setraw(STDIN, termios.TCSANOW)
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, before)
        os.write(released, b"!")
        os.close(released)
        os.waitpid(restorer, 0)


def _restored_when_killed(before: list[Any]) -> tuple[int, int]:
    """Start a process that restores the terminal if this one dies; return it, and the descriptor at which it is told not to."""
    import termios

    reader, writer = os.pipe()
    if pid := os.fork():
        os.close(reader)
        return pid, writer
    try:
        os.close(writer)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # SIGTTOU among them
        if not os.read(reader, 1):
            termios.tcsetattr(STDIN, termios.TCSANOW, before)
    finally:
        os._exit(0)
