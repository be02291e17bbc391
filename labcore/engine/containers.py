"""Containers that stay: list, attach, stop, kill, wait, rename, remove.

The other verbs have a file each in `labcore.engine.container`, and `lifecycle` there says what may be done when.
A start is noted before it is made, so that nobody is needed to say how it went: `labcore.engine.container.state` finds out.
"""

from __future__ import annotations

import re
import signal
from contextlib import contextmanager, suppress

from labcore.engine.container.completed import exit_code
from labcore.engine.container.events import log_container_event
from labcore.engine.container.lifecycle import NOTHING, next_status, status_of
from labcore.engine.container.pause import resume
from labcore.engine.container.state import KILLED, current, get, is_lost, settled, shim_of, upper_of
from labcore.engine.records.records import Container, Damaged
from labcore.errors import InUse, InvalidInput, NotFound, NotRunning, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from labcore.engine.engine import Engine
    from labcore.native import Process

STOP_SECONDS: Final = 10
DEATH_SECONDS: Final = 30.0  # that a killed container may take: the kernel writes what it has to first
REAL_TIME: Final = re.compile(r"SIG(RTMIN|RTMAX)([+-])([0-9]{1,2})")


def every(engine: Engine) -> Iterator[Container | Damaged]:
    """Yield all containers as they are now, the newest first; one that was to go when it ends, and has ended, goes.

    Raises StoreDamaged if the database cannot be read.
    """
    engine.container_dirs.sweep()
    found = engine.records.all()
    yield from (each for each in found if isinstance(each, Damaged))
    whole = [each for each in found if isinstance(each, Container)]
    for each in sorted(whole, key=lambda each: each.created, reverse=True):
        container = current(engine, each)
        if container.options.auto_remove and container.state.status == "exited" and engine.supervisor is None:
            with suppress(NotFound, InUse):
                remove(engine, container.id, volumes=True)
                continue
        yield container


def attach(engine: Engine, container: Container, *, with_input: bool = False) -> Process:
    """Attach to a container that runs; with its input, or without. Raises NotRunning."""
    try:
        if container.state.status != "running":
            raise NotRunning(container.id)
        process = shim_of(engine, container).attach()
    except NotRunning:
        raise NotRunning(f"container {container.id} is not running") from None
    if process.stdin is not None and not with_input:
        process.stdin.close()
        process.stdin = None
    return process


@contextmanager
def attached(engine: Engine, container: Container) -> Iterator[Process]:
    """Attach to a container as it is at this moment, and let go of it. Raises NotRunning, NotFound."""
    process = attach(engine, get(engine, container.id))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.release()


def kill(engine: Engine, text: str, number: int = signal.SIGKILL) -> None:
    """Send a signal to a container's first process; after SIGKILL wait for its end. Raises NotFound, NotRunning."""
    container = get(engine, text)
    engine.lifecycle.check("kill", container, text)
    if container.state.restarting and _restart_cancelled(engine, container):
        return
    with attached(engine, container) as process:
        _signal(engine, container, process, number)
        if number == signal.SIGKILL:
            _wait_for_death(process, container)
            _noted(engine, container)


def stop(engine: Engine, text: str, *, number: int | None = None, seconds: int | None = None) -> bool:
    """Have a container end: by its own stop signal, or `number`; after so many seconds by SIGKILL (-1: never).

    One that does not run is left as it is; return whether there was something to do. Raises NotFound.
    """
    container = get(engine, text)
    if engine.lifecycle.check("stop", container, text) == NOTHING:
        return False
    if not (container.state.restarting and _restart_cancelled(engine, container)):
        with suppress(NotRunning):  # it has just ended
            _stop(engine, container, number, seconds)
    log_container_event(engine, container, "stop")
    return True


def _stop(engine: Engine, container: Container, number: int | None, seconds: int | None) -> None:
    options = container.options
    seconds = seconds if seconds is not None else STOP_SECONDS if options.stop_timeout is None else options.stop_timeout
    with attached(engine, container) as process:
        _signal(engine, container, process, number or stop_signal(container))
        try:
            wait_for(process, None if seconds < 0 else seconds)
        except TimeoutError:
            _signal(engine, container, process, signal.SIGKILL)
            _wait_for_death(process, container)
    _noted(engine, container)


def _wait_for_death(process: Process, container: Container) -> None:
    """Wait for the end of a container that was killed. Raises Unavailable if its monitor does not note that."""
    try:
        wait_for(process, DEATH_SECONDS)
    except TimeoutError:
        raise Unavailable(
            f"{container} was killed, and its end was not noted within {DEATH_SECONDS:g} s\n"
            "  cure: make room if the disk is full, and look for processes in uninterruptible sleep: ps -o pid,stat,wchan"
        ) from None


def stop_signal(container: Container) -> int:
    """Return the signal that a container wants to be stopped by."""
    return signal_number(container.options.stop_signal or container.config.stop_signal or "SIGTERM")


def _signal(engine: Engine, container: Container, process: Process, number: int) -> None:
    """Send a signal. One that is to end the container is remembered, so that no policy starts it again, and ends a pause.

    Docker takes each signal for such a one, unless the container names its own stop signal.
    """
    ends = number in (signal.SIGKILL, stop_signal(container)) or not (
        container.options.stop_signal or container.config.stop_signal
    )
    if ends and container.options.restart.name != "no":
        engine.records.change_state(container.id, lambda state: state.replace(manually_stopped=True))
    log_container_event(engine, container, "kill", signal=str(int(number)))
    process.kill(number)
    if ends:
        _resume(engine, container)


def _resume(engine: Engine, container: Container) -> None:
    """Let a container that is paused go on, for it could not end."""
    with suppress(NotFound), engine.container_dirs.locked(container.id, container.name):
        container = engine.records.find(container.id)
        if container.state.status == "running" and container.state.paused:
            resume(engine, container)


def _restart_cancelled(engine: Engine, container: Container) -> bool:
    """Have a container that waits for its restart stay as it is; return False if it has just been started."""
    with engine.container_dirs.locked(container.id, container.name):
        if not settled(engine, container.id).state.restarting:
            return False
        stopped = engine.records.change_state(
            container.id, lambda state: state.replace(restarting=False, manually_stopped=True)
        )
    if engine.supervisor:
        engine.supervisor.stopped(stopped)
    return True


def _noted(engine: Engine, container: Container) -> None:
    """See to it that it is noted how a container has ended; somebody may have removed it at once."""
    with suppress(NotFound), engine.container_dirs.locked(container.id, container.name):
        settled(engine, container.id)


def wait(engine: Engine, text: str) -> int:
    """Wait until a container does not run, and return its exit code. Raises NotFound."""
    container = get(engine, text)
    with suppress(NotRunning):
        code = wait_for(attach(engine, container), None)
        with suppress(NotFound):  # somebody has removed it at once
            get(engine, container.id)
        return code
    return get(engine, container.id).state.exit_code


def wait_for(process: Process, seconds: float | None) -> int:
    """Wait for a process that was attached to. Raises TimeoutError."""
    from labcore.native.monitor import MonitorLost  # `ps` waits for nobody

    with suppress(MonitorLost):
        process.wait(seconds)
        return exit_code(process)
    return KILLED


def rename(engine: Engine, text: str, name: str) -> Container:
    """Give a container another name. Raises NotFound, InUse, InvalidInput."""
    found = engine.records.find(text)
    if not name:
        raise InvalidInput("Neither old nor new names may be empty")
    if name == found.name:
        raise InvalidInput("Renaming a container with the same name as its current name")
    engine.lifecycle.check("rename", found, text)
    try:
        renamed = engine.records.rename(found, name)
    except (InUse, InvalidInput) as error:
        why = str(error).replace("container name (", "container name (/")  # docker has it with its slash here
        raise type(error)(f"Error when allocating new name: {why}") from None
    log_container_event(engine, renamed, "rename", oldName=f"/{found.name}")
    return renamed


def remove(engine: Engine, text: str, *, force: bool = False, volumes: bool = False) -> None:
    """Remove a container and all that it has written; with `volumes` its anonymous volumes too, with `force` one that runs.

    Raises NotFound, InUse.
    """
    found = engine.records.look_up(text)
    if isinstance(found, Damaged):
        if not force:
            raise found.why
        engine.container_dirs.remove(found.id)
        return
    with engine.lifecycle.removal(found.id, text):
        container = current(engine, found)
        next_status("remove by force" if force else "remove", status_of(container), id=container.id, name=text)
        _end(engine, container)
        removed = _removed(engine, container, volumes=volumes)
    log_container_event(engine, removed, "destroy")
    if engine.supervisor:
        engine.supervisor.removed(removed)


def _end(engine: Engine, container: Container) -> None:
    """End a container that is to be removed, whatever it does."""
    if container.state.restarting and _restart_cancelled(engine, container):
        return
    with suppress(NotRunning), attached(engine, container) as process:
        _signal(engine, container, process, signal.SIGKILL)
        _wait_for_death(process, container)


def _removed(engine: Engine, container: Container, *, volumes: bool) -> Container:
    with engine.container_dirs.locked(container.id, container.name):
        container = settled(engine, container.id)
        next_status("remove", status_of(container), id=container.id, name=container.name)  # it may have been started meanwhile
        if container.layers and is_lost(engine, container):
            engine.uppers.wait_until_free(upper_of(container))
        own = _own_volumes(engine, container) if volumes else []
        gone = engine.container_dirs.remove(container.id, own)
    for name in gone:
        engine.log_event("volume", "destroy", name, {"driver": "local"})
    return container


def _own_volumes(engine: Engine, container: Container) -> list[str]:
    """Return the anonymous volumes that no other container has."""
    if not (anonymous := container.anonymous_volumes()):
        return []
    users = engine.records.volume_users()
    return [name for name in anonymous if users.get(name) == [container.id]]


def signal_number(text: str) -> int:
    """Return the number of a signal: `9`, `KILL`, `SIGKILL`, `RTMIN+3`. Raises InvalidInput."""
    name = text.upper()
    if name.isascii() and name.isdecimal() and len(name) < 4 and 0 < int(name) < signal.NSIG:
        return int(name)
    name = name if name.startswith("SIG") else f"SIG{name}"
    with suppress(KeyError):
        return signal.Signals[name]
    if match := REAL_TIME.fullmatch(name):
        number = signal.Signals[f"SIG{match[1]}"] + int(f"{match[2]}{match[3]}")
        if signal.SIGRTMIN <= number <= signal.SIGRTMAX:
            return number
    raise InvalidInput(f"invalid signal: {text}")
