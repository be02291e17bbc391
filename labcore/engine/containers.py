"""The life of a container that stays: create, start, stop, kill, wait, rename, remove.

=========  =========  ==================  ==================  ========  ==================
state      start      stop                kill                wait      remove
=========  =========  ==================  ==================  ========  ==================
created    → running  nothing             refused             its code  gone
running    nothing    → exited            → exited            waits     refused; force: gone
exited     → running  nothing             refused             its code  gone
=========  =========  ==================  ==================  ========  ==================

A start is noted before it is made, so that nobody is needed to say how it went: `labcore.engine.container_state` finds out.
"""

import errno
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from labcore.engine.completed import exit_code
from labcore.engine.container_state import (
    KILLED,
    NOT_STARTED,
    boot_id,
    current,
    get,
    never_ran,
    now,
    remember_cgroups,
    remove_cgroups,
    running_state,
    settled,
    shim_of,
    upper_of,
)
from labcore.engine.engine import BARE, Engine
from labcore.engine.names import drawn_name
from labcore.engine.records import Container, Damaged
from labcore.engine.resources import cgroup_of
from labcore.errors import InUse, InvalidInput, NotFound, StepFailed
from labcore.native import Process
from labcore.native.monitor import MonitorLost
from labcore.runtime.launch import Launch
from labcore.runtime.shim import NotRunning
from labcore.spec import CreateOptions, Mount

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # docker's codes of a program that could not be started
STOP_SECONDS: Final = 10
NAMES_TRIED: Final = 20
DEATH_SECONDS: Final = 30.0  # that a killed container may take: the kernel writes what it has to first


# --- made


def create(engine: Engine, options: CreateOptions) -> Container:
    """Make a container, which is there whole or not at all, and return it. It is not started.

    Raises InUse if its name is another's; InvalidInput, ImageNotFound, StoreDamaged, StoreFull.
    """
    engine.container_dirs.sweep()
    made = _described(engine, options)
    drawn = anonymous_volumes(made)
    with engine.layers.using(), engine.container_dirs.made(made.id, drawn):  # until its record says what it needs
        if options.image:
            made = made.replace(layers=tuple(engine.layers_of(engine.images.find(options.image))))
            engine.uppers.create(upper_of(made))
        for mount in made.mounts:
            if mount.kind == "volume":
                engine.volumes.create(mount.source, anonymous=mount.source in drawn)
        return _named(engine, made)


def _described(engine: Engine, options: CreateOptions) -> Container:
    from labcore.engine.volumes import completed
    from labcore.runtime.probe import confined
    from labcore.storage.driver import driver

    made = Container(os.urandom(32).hex(), options.name, now(), options, BARE)
    if options.rootfs:
        return made.replace(mounts=_drawn(completed(options.mounts, ())))
    found = engine.images.find(options.image)
    copied = driver(engine.layers.prepared()) == "copy"
    if copied and options.userns_remap:
        raise InvalidInput("--userns-remap needs overlayfs, which this machine does not have, or LABCORE_STORAGE turns off")
    return made.replace(
        image=options.image,
        image_id=found.id,
        config=found.config,
        mounts=_drawn(completed(options.mounts, found.config.volumes)),
        copied=copied,
        user_attributes=bool(options.userns_remap) or confined(),
    )


def _drawn(mounts: Sequence[Mount]) -> tuple[Mount, ...]:
    """Return mounts with names for the volumes that have none."""
    return tuple(
        each.replace(source=os.urandom(32).hex()) if each.kind == "volume" and not each.source else each for each in mounts
    )


def anonymous_volumes(container: Container) -> list[str]:
    """Return the names of the volumes that were drawn for a container, and go with it."""
    given = {mount.source for mount in container.options.mounts}
    return [mount.source for mount in container.mounts if mount.kind == "volume" and mount.source not in given]


def _named(engine: Engine, made: Container) -> Container:
    """Add the record, under a name that nobody has if none was asked for."""
    if made.name:
        engine.records.add(made)
        return made
    for attempt in range(NAMES_TRIED):
        with suppress(InUse):
            engine.records.add(named := made.replace(name=drawn_name(attempt)))
            return named
    engine.records.add(named := made.replace(name=made.id[:12]))
    return named


# --- started


def start(engine: Engine, text: str, *, with_input: bool = False) -> Process:
    """Start a container and return its process, to be waited for or released; one that runs already is attached to.

    With `with_input` its standard input is there to be written to, if it takes any.
    Raises NotFound, InUse; StepFailed if it cannot be started: then why stands in its record too.
    """
    found = engine.records.find(text)
    with engine.container_dirs.locked(found.id, found.name):
        container = settled(engine, found.id)
        if container.state.status == "running":
            return attach(engine, container, with_input=with_input)
        if container.layers:
            engine.uppers.wait_until_free(upper_of(container))
        before = container.state
        container = engine.records.set_state(container, before.replace(status="starting", boot=boot_id(), error=""))
        try:
            process = _launch(engine, container, with_input)
        except BaseException as error:
            failed = never_ran(before).replace(exit_code=start_failure_code(error), error=str(error))
            engine.records.set_state(container, failed)
            raise
        engine.records.set_state(container, running_state(process.pid, before))
        return process


def _launch(engine: Engine, container: Container, with_input: bool) -> Process:
    """Launch the container with a shim; return its process, with the container's input, if it has one."""
    from labcore.engine.holding import held

    shim = shim_of(engine, container)
    with held(engine, container) as spec:
        launch = Launch(
            spec,
            options=engine.launch_options,
            cgroup=cgroup_of(container.options, container.id),
            remember=lambda launch: remember_cgroups(engine, container, launch.made),
        )
        try:
            process = launch.create(shim=shim)
        except BaseException:
            remove_cgroups(engine, container)
            raise
    if with_input and shim.input != "none":
        with suppress(NotRunning):  # it has ended already
            client = shim.attach()
            process.stdin, client.stdin = client.stdin, None
            client.release()
    return process


def start_failure_code(error: BaseException) -> int:
    """Return docker's exit code for a container that could not be started."""
    if not isinstance(error, StepFailed) or error.call != "execve":
        return NOT_STARTED
    return NOT_FOUND if error.errno in (errno.ENOENT, errno.ENOTDIR) else NOT_EXECUTABLE


# --- running


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
    try:
        process = shim_of(engine, container).attach()
    except NotRunning:
        raise NotRunning(f"{container} is not running: labcore start {container.name}") from None
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
        engine.container_dirs.remove(container.id, anonymous_volumes(container) if volumes else ())


def signal_number(text: str) -> int:
    """Return the number of a signal: `9`, `KILL`, `SIGKILL`. Raises InvalidInput."""
    name = text.upper()
    if name.isascii() and name.isdecimal() and 0 < int(name) < signal.NSIG:
        return int(name)
    with suppress(KeyError):
        return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
    raise InvalidInput(f"{text!r} is no signal: name one, such as SIGTERM, or give its number")
