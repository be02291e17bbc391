"""Files of containers, running or not: what diff, cp and export look at.

A container that runs is reached through its process's root, /proc/PID/root, with what is mounted there. Of one that does not,
the overlay is mounted where nobody sees it, and the container is locked meanwhile.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labcore.engine import container_state as states
from labcore.engine.engine import Engine
from labcore.engine.records import Container
from labcore.errors import InUse, InvalidInput, NotRunning, SystemCallError
from labcore.native import Process
from labcore.spec import BindRoot
from labcore.storage.files import Files, of_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.storage.changes import Change


def diff(engine: Engine, text: str) -> "list[Change]":
    """Return what a container has changed in its image's files. Raises NotFound, InvalidInput."""
    container = states.get(engine, text)
    check_has_layers(container)
    return engine.uppers.changes(states.upper_of(container))


def check_has_layers(container: Container) -> None:
    """Raise InvalidInput if a container stands on no image's layers."""
    if not container.layers:
        raise InvalidInput(f"{container} stands on the directory {container.options.rootfs}, and what it writes is in there")


@contextmanager
def container_files(engine: Engine, text: str, *, writable: bool = False) -> Iterator[Files]:
    """Yield all files that a container sees.

    Raises NotFound, InUse; InvalidInput if it runs and its users are others outside.
    """
    container = states.get(engine, text)
    if container.state.status == "running":
        with suppress(NotRunning):
            process = states.shim_of(engine, container).attach()
            try:
                with root_of(process, str(container)) as root:
                    yield Files(root, f"{container.name}:")
                return
            finally:
                process.release()
    with engine.container_dirs.locked(container.id, container.name):
        if states.settled(engine, container.id).state.status == "running":
            raise InUse(f"{container} was started meanwhile: try again")
        if not container.layers:
            with of_root(BindRoot(container.options.rootfs), f"{container.name}:", writable=writable) as files:
                yield files
            return
        upper = states.upper_of(container)
        engine.uppers.wait_until_free(upper)
        with engine.uppers.files(upper, f"{container.name}:", writable=writable) as files:
            yield files


@contextmanager
def root_of(process: Process, whose: str) -> Iterator[int]:
    """Open the root of a process that lives; `whose` names it in errors. Raises InUse, InvalidInput."""
    try:
        if Path(f"/proc/{process.pid}/uid_map").read_text(encoding="utf-8") != Path("/proc/self/uid_map").read_text(
            encoding="utf-8"
        ):
            raise InvalidInput(f"{whose} runs, and its users are others outside: stop it to reach its files")
        fd = os.open(f"/proc/{process.pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InUse(f"{whose} runs, and its files are out of reach: {error.strerror}") from None
    try:
        _check_lives(process, whose)  # it was this process, and not one that has got its number
        yield fd
    finally:
        os.close(fd)


def _check_lives(process: Process, whose: str) -> None:
    from labcore.native import pidfd_send_signal

    try:
        pidfd_send_signal(process.pidfd, 0)
    except SystemCallError:
        raise InUse(f"{whose} has just ended: try again") from None
