"""start: a container's launch with a shim, noted before it is made, and how it came out."""

import errno
import time
from contextlib import suppress

from labcore.disk_space import room_for
from labcore.engine.container.cgroups import limits_without_shim, remember_cgroups, remove_cgroups, with_cgroup_shown
from labcore.engine.container.events import log_container_event, log_mode, log_volumes
from labcore.engine.container.holding import held
from labcore.engine.container.state import (
    NOT_STARTED,
    boot_id,
    never_ran,
    noted,
    running_state,
    settled,
    shim_of,
    upper_of,
)
from labcore.engine.containers import attach, remove
from labcore.engine.engine import Engine
from labcore.engine.network.networks import connection, given_back
from labcore.engine.options.resources import cgroup_of
from labcore.engine.records.records import Container
from labcore.engine.spans import note_ops, span
from labcore.engine.volume.mounting import unmount_volumes_of
from labcore.errors import InUse, LabcoreError, NotFound, NotRunning, StepFailed
from labcore.native import Process
from labcore.runtime.launch import Launch
from labcore.timestamps import now

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # docker's codes of a program that could not be started


def start(engine: Engine, text: str, *, with_input: bool = False) -> Process:
    """Start a container and return its process, to be waited for or released; one that runs already is attached to.

    With `with_input` its standard input is there to be written to, if it takes any. In an engine with a supervisor the process
    is the supervisor's. One that waits for its restart is started now.
    Raises NotFound, InUse; StepFailed if it cannot be started: then why stands in its record too, and one that was to go when
    it ends goes at once, with a supervisor.
    """
    found = engine.records.find(text)
    try:
        with engine.container_dirs.locked(found.id, found.name):
            container = settled(engine, found.id)
            engine.lifecycle.check("start", container)
            if container.state.status == "running":
                return attach(engine, container, with_input=with_input)
            fresh = container.state.replace(restart_count=0, manually_stopped=False)
            return started(engine, engine.records.set_state(container, fresh), with_input=with_input)
    except LabcoreError:  # one that runs, or is being removed, is not removed
        if engine.supervisor and found.options.auto_remove:
            with suppress(NotFound, InUse):
                remove(engine, found.id, volumes=True)
        raise


def started(engine: Engine, container: Container, *, with_input: bool = False) -> Process:
    """Do the same for a container that the caller has locked, and that does not run."""
    if container.layers and container.state.boot == boot_id():  # else nobody has ever mounted it
        with span("storage: wait for the upper directory"):
            engine.uppers.wait_until_free(upper_of(container))
    before = container.state
    starting = before.replace(status="starting", boot=boot_id(), error="")
    container = engine.records.set_state(container, starting, durable=False)  # a machine that has crashed starts nothing
    log_volumes(engine, container, "mount")
    begun = now()
    try:
        with room_for(f"the start of {container}", engine.root):
            process = _launch(engine, container, with_input)
    except BaseException as error:
        failed = never_ran(before).replace(exit_code=start_failure_code(error), error=str(error))
        engine.records.set_state(container, failed)
        unmount_volumes_of(engine.volumes, engine.records, container)
        log_volumes(engine, container, "unmount")
        raise
    log_mode(engine, container, "connect")
    with span("records: running"):
        container = noted(engine, container, running_state(process.pid, before, begun))  # it may have filled the disk
    if engine.supervisor:
        engine.supervisor.started(container, process)
    log_container_event(engine, container, "start")
    return process


def _launch(engine: Engine, container: Container, with_input: bool) -> Process:
    """Launch the container with a shim; return its process, with the container's input, if it has one."""
    shim = shim_of(engine, container)
    with_input = with_input and not engine.supervisor  # whose clients take it from the shim, and end it there
    if shim.input == "once" and not with_input:  # whoever comes first to signal it would have it, and end it
        shim = shim.replace(input="open")
    stages = engine.stages.stages() if engine.stages else {}
    on_networks = connection(engine, container.options, container.id, name=container.name, config=container.config)
    etc = {"rootfs", "mounts"}.isdisjoint(stages)
    with given_back(engine, on_networks), held(engine, container, on_networks, etc=etc) as spec:
        cgroup = cgroup_of(container.options, container.id)
        spec = with_cgroup_shown(spec, container.options) if etc else spec
        spec, options = limits_without_shim(spec, on_networks.launch_options(engine), cgroup, stages)
        launch = Launch(
            spec,
            stages=stages,
            options=options,
            cgroup=cgroup,
            remember=lambda launch: remember_cgroups(engine, container, launch.made),
        )
        try:
            with span("runtime: launch"):
                begun = time.time_ns()
                process = launch.create(shim=shim)
                note_ops(process, begun)
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
