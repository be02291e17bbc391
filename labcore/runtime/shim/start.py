"""Start a shim: the descriptors and the arguments that it is given for a container's directory."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from labcore.native import DEVNULL, Streams
from labcore.native.monitor import ATTACH, DIRECTORY, ERRORS, INPUT, LOG, OUTPUT, ShimDescriptors
from labcore.runtime.shim.shim import Shim
from labcore.unix_sockets import channel, short_path

BACKLOG: Final = 64  # clients that may wait to be answered
INCOMING: Final = "incoming"  # becomes `exit`
EXIT_BYTES: Final = 160  # the longest exit: csrc/shim.c
RECORDED: Final = ("attach.sock", "pid", "exit", INCOMING)


def forget(directory: str) -> None:
    """Remove what was recorded of an earlier start, all but the log."""
    for name in RECORDED:
        Path(directory, name).unlink(missing_ok=True)


@contextmanager
def shim_streams(shim: Shim, *, terminal: bool) -> Iterator[tuple[Streams, ShimDescriptors]]:
    """Open the container's streams and the shim's ends of them. If the start fails, nothing but the log stays."""
    forget(shim.directory)
    with ExitStack() as undo:
        on_failure = undo.enter_context(ExitStack())
        on_failure.callback(forget, shim.directory)

        def hold(fd: int) -> int:
            undo.callback(os.close, fd)
            return fd

        clients = undo.enter_context(channel(packets=True))
        with short_path(shim.directory) as place:
            clients.bind(f"{place}/attach.sock")
            log = hold(os.open(f"{place}/log", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600))
            reserved = hold(os.open(f"{place}/{INCOMING}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            os.write(reserved, b" " * EXIT_BYTES)  # the shim has room for the exit then, however full the disk gets
        clients.listen(BACKLOG)
        directory = hold(os.open(shim.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        lent = {DIRECTORY: directory, ATTACH: clients.fileno(), LOG: log}
        streams = Streams(DEVNULL, DEVNULL, DEVNULL)
        if not terminal:
            streams, ends = _pipes(hold, shim.input != "none")
            lent |= ends
        yield streams, ShimDescriptors(lent, _arguments(shim))
        on_failure.pop_all()


def _arguments(shim: Shim) -> tuple[str, ...]:
    buffer = shim.log.buffer if shim.log.mode == "non-blocking" else 0
    return str(buffer), str(shim.log.max_size), str(shim.log.max_files), str(int(shim.input == "once"))


def _pipes(hold: Callable[[int], int], with_input: bool) -> tuple[Streams, dict[int, int]]:
    """Make the container's pipes: its own ends, and the shim's."""
    out, out_of_it = map(hold, reversed(os.pipe()))
    err, err_of_it = map(hold, reversed(os.pipe()))
    ends = {OUTPUT: out_of_it, ERRORS: err_of_it}
    if not with_input:
        return Streams(DEVNULL, out, err), ends
    reader, writer = map(hold, os.pipe())
    return Streams(reader, out, err), {**ends, INPUT: writer}
