"""Container states: the record, compared with the process and with what the shim has left.

A shim answers as long as its container lives, and then leaves the exit in the container's directory (`labcore.runtime.shim`).
Whoever first finds that the container has ended notes it, and gives back what it had (`labcore.engine.container.exit`).
"""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from labcore import procfs
from labcore.engine.records.records import State
from labcore.engine.timestamps import now, rfc3339
from labcore.errors import InUse, LabcoreError, NotFound, NotRunning, StoreFull

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from labcore.engine.engine import Engine
    from labcore.engine.records.records import Container
    from labcore.runtime.shim import Shim
    from labcore.spec.log import Input
    from labcore.storage.upper import Upper

KILLED: Final = 128 + signal.SIGKILL
MACHINE_RESTARTED: Final = 255  # what docker says of a container that ran when the machine went down
NOT_STARTED: Final = 128
SETTLING_SECONDS: Final = 2.0
PLACEHOLDERS: Final = ("etc/hosts", "etc/hostname", "etc/resolv.conf")  # where files of its own are bound


def shim_of(engine: Engine, container: Container) -> Shim:
    """Return the shim of a container, which may run or not."""
    from labcore.runtime.shim import Shim  # with all of `native`: where nothing runs, `ps` takes half of the time without

    options = container.options
    kind: Input = "none" if not options.open_stdin else "once" if options.stdin_once else "open"
    return Shim(str(engine.container_dirs.path(container.id)), kind, options.log)


def upper_of(container: Container) -> Upper:
    """Return where a container's own files lie."""
    from labcore.storage.upper import Upper

    return Upper(container.id, container.layers, container.user_attributes, container.copied, PLACEHOLDERS)


def get(engine: Engine, text: str) -> Container:
    """Return the container of that name, ID or head of an ID, as it is now. Raises NotFound, InvalidInput, StoreDamaged."""
    return current(engine, engine.records.find(text))


def current(engine: Engine, container: Container) -> Container:
    """Return a container in its true state. One that is found to have ended is tidied up, and that is noted."""
    if container.state.status not in ("starting", "running"):
        return container
    if engine.supervisor and engine.supervisor.sees_running(container):
        return container
    state = _observed(engine, container)
    if state == container.state:
        return container
    if state.status == "running":
        return noted(engine, container, state)
    seconds = SETTLING_SECONDS if engine.supervisor else 0  # which is about to say whether it is started again
    try:
        with engine.container_dirs.locked(container.id, container.name, seconds=seconds):
            return settled(engine, container.id)
    except (InUse, NotFound):  # who has it will do that, or has removed it
        return container.replace(state=state)


def settled(engine: Engine, id: str) -> Container:
    """Do the same for a container that the caller has locked. Raises NotFound."""
    container = engine.records.find(id)
    if container.state.status not in ("starting", "running"):
        return container
    state = _observed(engine, container, is_ours=True)
    if state.status != "running":
        from labcore.engine.container.exit import note_exit  # most that is looked at runs, or has ended long ago

        return note_exit(engine, container, state)
    return container if state == container.state else noted(engine, container, state)


def noted(engine: Engine, container: Container, state: State) -> Container:
    """Note a state; on a full disk it is found out anew the next time."""
    with suppress(StoreFull):
        return engine.records.set_state(container, state)
    return container.replace(state=state)


def _observed(engine: Engine, container: Container, *, is_ours: bool = False) -> State:
    """Ask the shim of a container that was started, or was about to be.

    Input that is for the first client alone was taken by whoever started it: `start`.
    """
    noted = container.state
    if noted.status == "starting" and not is_ours and engine.container_dirs.is_locked(container.id):
        return noted
    shim = shim_of(engine, container)
    try:
        process = shim.attach()
    except NotRunning:
        return _ended(noted, shim)
    pid = process.pid
    process.release()
    known = noted.status == "running" and noted.pid == pid and noted.boot == boot_id()
    return noted if known else running_state(pid, noted, now())


def is_lost(engine: Engine, container: Container) -> bool:
    """Return whether the shim of a container that has run did not say how it ended: then processes of it may be left."""
    return container.state.boot == boot_id() and shim_of(engine, container).exit() is None


def has_ended(container: Container) -> bool:
    """Return whether the process of a container that ran is gone, or about to be, or its number another's."""
    pid = container.state.pid
    return procfs.is_ending(pid) or procfs.start_time(pid) != container.state.pid_start


@contextmanager
def while_it_runs(container: Container) -> Iterator[None]:
    """Have it said that the container does not run, whatever fails because it ends meanwhile. Raises NotRunning."""
    try:
        yield
    except (LabcoreError, OSError):
        if has_ended(container):
            raise NotRunning(f"container {container.id} is not running") from None
        raise


def running_state(pid: int, before: State, begun: str) -> State:
    """Return the state of a container that runs, whose start was `begun` then: nothing of its log is older."""
    return State(
        "running",
        pid,
        procfs.start_time(pid) or 0,
        started=begun,
        finished=before.finished,
        boot=boot_id(),
        restart_count=before.restart_count,
    )


def _ended(noted: State, shim: Shim) -> State:
    ended = shim.exit()
    if ended is not None and ended.failed >= 0:
        return never_ran(noted).replace(exit_code=NOT_STARTED, error="whoever was starting it was killed meanwhile")
    if ended is not None:
        code = ended.returncode if ended.returncode >= 0 else 128 - ended.returncode
        return noted.replace(status="exited", pid=0, finished=rfc3339(ended.time), exit_code=code, paused=False)
    if noted.status == "starting" and not Path(shim.directory, "pid").exists():
        return never_ran(noted)
    code = KILLED if noted.boot == boot_id() else MACHINE_RESTARTED
    return noted.replace(status="exited", pid=0, finished=now(), exit_code=code, paused=False)


def never_ran(noted: State) -> State:
    """Return the state from before a start that came to nothing."""
    return noted.replace(status="exited" if noted.finished else "created", pid=0, restarting=False)


@cache
def boot_id() -> str:
    """Return the machine's boot ID: random(4)."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
