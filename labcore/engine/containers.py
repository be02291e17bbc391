"""The life of a container that stays: create, start, stop, kill, wait, rename, remove.

=========  =========  ==================  ==================  ========  ==================
state      start      stop                kill                wait      remove
=========  =========  ==================  ==================  ========  ==================
created    → running  nothing             refused             its code  gone
running    nothing    → exited            → exited            waits     refused; force: gone
exited     → running  nothing             refused             its code  gone
=========  =========  ==================  ==================  ========  ==================

A database cannot know whether a container runs. Its shim does: it answers as long as the container lives, and then leaves its
exit in the container's directory (`labcore.runtime.shim`). So a start is noted before it is made, and what was noted is compared
with what the shim says whenever somebody asks.
"""

import errno
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from labcore import procfs
from labcore.engine.engine import BARE, Engine, exit_code
from labcore.engine.names import drawn_name
from labcore.engine.records import Container, Damaged, State
from labcore.errors import InUse, InvalidInput, NotFound, StepFailed
from labcore.native import Process
from labcore.native.monitor import MonitorLost
from labcore.runtime.shim import NotRunning, Shim
from labcore.spec import CreateOptions, Mount
from labcore.storage.upper import Upper

KILLED: Final = 128 + signal.SIGKILL
MACHINE_RESTARTED: Final = 255  # what docker says of a container that ran when the machine went down
NOT_EXECUTABLE, NOT_FOUND, NOT_STARTED = 126, 127, 128  # docker's codes of a program that could not be started
STOP_SECONDS: Final = 10
NAMES_TRIED: Final = 20
DEATH_SECONDS: Final = 30.0  # that a killed container may take: the kernel writes what it has to first


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


def upper_of(container: Container) -> Upper:
    """Return where a container's own files lie."""
    return Upper(container.id, container.layers, container.user_attributes, container.copied)


def now() -> str:
    """Return the time as RFC 3339 writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


# --- what a container does at this moment


def shim_of(engine: Engine, container: Container) -> Shim:
    """Return the shim of a container, which may run or not."""
    options = container.options
    kind = "none" if not options.open_stdin else "once" if options.stdin_once else "open"
    return Shim(str(engine.container_dirs.path(container.id)), kind, options.log)  # type: ignore[arg-type]


def get(engine: Engine, text: str) -> Container:
    """Return the container of that name, ID or head of an ID, as it is now. Raises NotFound, InvalidInput, StoreDamaged."""
    return _current(engine, engine.records.find(text))


def every(engine: Engine) -> Iterator[Container | Damaged]:
    """Yield all containers as they are now, the newest first; one that was to go when it ends, and has ended, goes.

    Raises StoreDamaged if the database cannot be read.
    """
    engine.container_dirs.sweep()
    found = engine.records.all()
    for each in found:
        if isinstance(each, Damaged):
            yield each
    for each in sorted(filter(_is_whole, found), key=lambda each: each.created, reverse=True):
        container = _current(engine, each)
        if container.options.auto_remove and container.state.status == "exited":
            with suppress(NotFound, InUse):
                remove(engine, container.id, volumes=True)
                continue
        yield container


def _is_whole(each: Container | Damaged) -> bool:
    return isinstance(each, Container)


def _current(engine: Engine, container: Container, *, is_ours: bool = False) -> Container:
    """Return a container in its true state, which is noted. `is_ours`: the caller has locked it."""
    noted = container.state
    if noted.status not in ("starting", "running"):
        return container
    state = _observed(engine, container, is_ours)
    return container if state == noted else engine.records.set_state(container, state)


def _observed(engine: Engine, container: Container, is_ours: bool) -> State:
    """Look for the process of a container that was started, or was about to be.

    A shim is asked only if it can have no input to give: who attaches first may have taken that from the one whom it is for.
    """
    shim, noted = shim_of(engine, container), container.state
    if noted.status == "running" and noted.boot == boot_id() and procfs.start_time(noted.pid) == noted.pid_start:
        return noted
    if noted.status == "starting" and not is_ours and engine.container_dirs.is_locked(container.id):
        return noted
    try:
        process = shim.attach()
    except NotRunning:
        return _ended(noted, shim)
    pid = process.pid
    process.release()
    return _running(pid, noted)


def _running(pid: int, before: State) -> State:
    start = procfs.start_time(pid) or 0
    return State("running", pid, start, started=now(), finished=before.finished, boot=boot_id())


def _ended(noted: State, shim: Shim) -> State:
    ended = shim.exit()
    if ended is not None and ended.failed >= 0:
        return _never_ran(noted).replace(exit_code=NOT_STARTED, error="whoever was starting it was killed meanwhile")
    if ended is not None:
        code = ended.returncode if ended.returncode >= 0 else 128 - ended.returncode
        return noted.replace(status="exited", pid=0, finished=_rfc3339(ended.time), exit_code=code)
    if noted.status == "starting" and not Path(shim.directory, "pid").exists():
        return _never_ran(noted)
    code = KILLED if noted.boot == boot_id() else MACHINE_RESTARTED
    return noted.replace(status="exited", pid=0, finished=now(), exit_code=code)


def _never_ran(noted: State) -> State:
    """Return the state from before a start that came to nothing."""
    return noted.replace(status="exited" if noted.finished else "created", pid=0)


def _rfc3339(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


# --- verbs


def start(engine: Engine, text: str) -> Process:
    """Start a container and return its process, to be waited for or released; one that runs already is attached to.

    Raises NotFound, InUse; StepFailed if it cannot be started: then why stands in its record too.
    """
    found = engine.records.find(text)
    with engine.container_dirs.locked(found.id, found.name):
        container = _current(engine, engine.records.find(found.id), is_ours=True)
        if container.state.status == "running":
            return shim_of(engine, container).attach()
        if container.layers:
            engine.uppers.wait_until_free(upper_of(container))
        before = container.state
        container = engine.records.set_state(container, before.replace(status="starting", boot=boot_id(), error=""))
        try:
            process = _launch(engine, container)
        except BaseException as error:
            failed = _never_ran(before).replace(exit_code=start_failure_code(error), error=str(error))
            engine.records.set_state(container, failed)
            raise
        engine.records.set_state(container, _running(process.pid, before))
        return process


def _launch(engine: Engine, container: Container) -> Process:
    """Spawn the container's process with a shim; return it with the container's input, if it has one."""
    from labcore.engine.holding import held
    from labcore.runtime import make_plan, spawn

    shim = shim_of(engine, container)
    with held(engine, container) as spec:
        process = spawn(make_plan(spec), shim=shim)
    if shim.input != "none":
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


def running(engine: Engine, container: Container) -> Process:
    """Attach to a container that runs. Raises NotRunning."""
    try:
        return shim_of(engine, container).attach()
    except NotRunning:
        raise NotRunning(f"{container} is not running: labcore start {container.name}") from None


def kill(engine: Engine, text: str, number: int = signal.SIGKILL) -> None:
    """Send a signal to a container's first process. Raises NotFound, NotRunning."""
    process = running(engine, get(engine, text))
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
        process = running(engine, container)
    except NotRunning:
        return
    process.kill(number)
    try:
        _wait(process, None if seconds < 0 else seconds)
    except TimeoutError:
        process.kill()
        _wait(process, DEATH_SECONDS)
    get(engine, container.id)  # it is noted how it ended


def wait(engine: Engine, text: str) -> int:
    """Wait until a container does not run, and return its exit code. Raises NotFound."""
    container = get(engine, text)
    try:
        process = running(engine, container)
    except NotRunning:
        return get(engine, container.id).state.exit_code
    return _wait(process, None)


def _wait(process: Process, seconds: float | None) -> int:
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
    container = _current(engine, found)
    if container.state.status == "running":
        if not force:
            raise InUse(f"{container} is running: stop it first, or remove it all the same: labcore rm -f {container.name}")
        with suppress(NotRunning):
            process = running(engine, container)
            process.kill()
            _wait(process, DEATH_SECONDS)
    with engine.container_dirs.locked(container.id, container.name):
        if _current(engine, engine.records.find(container.id), is_ours=True).state.status == "running":
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


