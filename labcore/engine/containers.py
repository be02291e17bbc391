"""The life of a container that stays: stop, kill, wait, rename, remove; `container_create` and `container_start` come before.

=========  =========  ==================  ==================  ========  ==================
state      start      stop                kill                wait      remove
=========  =========  ==================  ==================  ========  ==================
created    → running  nothing             refused             its code  gone
running    nothing    → exited            → exited            waits     refused; force: gone
exited     → running  nothing             refused             its code  gone
=========  =========  ==================  ==================  ========  ==================

A start is noted before it is made, so that nobody is needed to say how it went: `labcore.engine.container_state` finds out.
"""

from __future__ import annotations

import signal
from contextlib import suppress

from labcore.engine.completed import exit_code
from labcore.engine.container_events import log_container_event
from labcore.engine.container_state import (
    KILLED,
    current,
    get,
    settled,
    shim_of,
    upper_of,
)
from labcore.engine.records import Container, Damaged
from labcore.errors import InUse, InvalidInput, NotFound, NotRunning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from labcore.engine.engine import Engine
    from labcore.native import Process

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # docker's codes of a program that could not be started
STOP_SECONDS: Final = 10
NAMES_TRIED: Final = 20
DEATH_SECONDS: Final = 30.0  # that a killed container may take: the kernel writes what it has to first


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
        if container.options.auto_remove and container.state.status == "exited":
            with suppress(NotFound, InUse):
                remove(engine, container.id, volumes=True)
                continue
        yield container


def attach(engine: Engine, container: Container, *, with_input: bool = False) -> Process:
    """Attach to a container that runs; with its input, or without. Raises NotRunning."""
    refused = NotRunning(f"{container} is not running: labcore start {container.name}")
    if container.state.status != "running":
        raise refused
    try:
        process = shim_of(engine, container).attach()
    except NotRunning:
        raise refused from None
    if process.stdin is not None and not with_input:
        process.stdin.close()
        process.stdin = None
    return process


def kill(engine: Engine, text: str, number: int = signal.SIGKILL) -> None:
    """Send a signal to a container's first process. Raises NotFound, NotRunning."""
    process = attach(engine, get(engine, text))
    try:
        process.kill(number)
    finally:
        process.release()


def stop(engine: Engine, text: str, *, number: int | None = None, seconds: int | None = None) -> None:
    """Have a container end: by its own stop signal, or `number`; after so many seconds by SIGKILL (-1: never).

    One that does not run is left as it is. Raises NotFound.
    """
    container = get(engine, text)
    options = container.options
    seconds = seconds if seconds is not None else STOP_SECONDS if options.stop_timeout is None else options.stop_timeout
    number = number or signal_number(options.stop_signal or container.config.stop_signal or "SIGTERM")
    try:
        process = attach(engine, container)
    except NotRunning:
        return
    process.kill(number)
    try:
        wait_for(process, None if seconds < 0 else seconds)
    except TimeoutError:
        process.kill()
        wait_for(process, DEATH_SECONDS)
    get(engine, container.id)  # it is noted how it ended


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
    return engine.records.rename(engine.records.find(text), name)


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
    container = current(engine, found)
    if container.state.status == "running":
        if not force:
            raise InUse(f"{container} is running: stop it first, or remove it all the same: labcore rm -f {container.name}")
        with suppress(NotRunning):
            process = attach(engine, container)
            process.kill()
            wait_for(process, DEATH_SECONDS)
    with engine.container_dirs.locked(container.id, container.name):
        if settled(engine, container.id).state.status == "running":
            raise InUse(f"{container} was started meanwhile: stop it first")
        if container.layers:
            engine.uppers.wait_until_free(upper_of(container))
        engine.container_dirs.remove(container.id, _own_volumes(engine, container) if volumes else ())
    log_container_event(engine, container, "destroy")


def _own_volumes(engine: Engine, container: Container) -> list[str]:
    """Return the anonymous volumes that no other container has."""
    if not (anonymous := container.anonymous_volumes()):
        return []
    users = engine.records.volume_users()
    return [name for name in anonymous if users.get(name) == [str(container)]]


def signal_number(text: str) -> int:
    """Return the number of a signal: `9`, `KILL`, `SIGKILL`. Raises InvalidInput."""
    name = text.upper()
    if name.isascii() and name.isdecimal() and len(name) < 4 and 0 < int(name) < signal.NSIG:
        return int(name)
    with suppress(KeyError):
        return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
    raise InvalidInput(f"{text!r} is no signal: name one, such as SIGTERM, or give its number")
