"""What the monitor is given to keep a container in a directory."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from labcore.native import DEVNULL, Streams
from labcore.native.monitor import DIRECTORY, ERRORS, INPUT, LOG, MEETING, OUTPUT, Keeping

if TYPE_CHECKING:
    from labcore.runtime.shim.kept import Kept

MOST_WAITING: Final = 64  # to be met
RECORDED: Final = ("meeting", "pid", "exit", "incoming")


@contextmanager
def near(directory: str) -> Iterator[str]:
    """Give a directory a short name: a socket's address has room for 107 bytes, unix(7)."""
    fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


def forget(directory: str) -> None:
    """Remove what was recorded of an earlier start, all but the log."""
    for name in RECORDED:
        Path(directory, name).unlink(missing_ok=True)


@contextmanager
def prepared(kept: "Kept", *, terminal: bool) -> Iterator[tuple[Streams, Keeping]]:
    """Open the container's streams and the monitor's ends of them. If the start fails, nothing but the log stays."""
    forget(kept.directory)
    with ExitStack() as undo:
        on_failure = undo.enter_context(ExitStack())
        on_failure.callback(forget, kept.directory)

        def hold(fd: int) -> int:
            undo.callback(os.close, fd)
            return fd

        meeting = undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        with near(kept.directory) as place:
            meeting.bind(f"{place}/meeting")
            log = hold(os.open(f"{place}/log", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600))
        meeting.listen(MOST_WAITING)
        directory = hold(os.open(kept.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        lent = {DIRECTORY: directory, MEETING: meeting.fileno(), LOG: log}
        streams = Streams(DEVNULL, DEVNULL, DEVNULL)
        if not terminal:
            streams, ends = _pipes(hold, kept.input != "none")
            lent |= ends
        yield streams, Keeping(lent, _words(kept))
        on_failure.pop_all()


def _words(kept: "Kept") -> tuple[str, ...]:
    buffer = kept.log.buffer if kept.log.mode == "non-blocking" else 0
    return str(buffer), str(kept.log.max_size), str(kept.log.max_files), str(int(kept.input == "once"))


def _pipes(hold: Callable[[int], int], with_input: bool) -> tuple[Streams, dict[int, int]]:
    """Make the container's pipes: its own ends, and the monitor's."""
    out, out_of_it = map(hold, reversed(os.pipe()))
    err, err_of_it = map(hold, reversed(os.pipe()))
    ends = {OUTPUT: out_of_it, ERRORS: err_of_it}
    if not with_input:
        return Streams(DEVNULL, out, err), ends
    reader, writer = map(hold, os.pipe())
    return Streams(reader, out, err), {**ends, INPUT: writer}
