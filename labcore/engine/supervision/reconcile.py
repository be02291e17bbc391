"""Reconciliation: when a supervisor begins, each record is matched with what runs, however the one before it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labcore.engine import containers
from labcore.engine.container.cgroups import cgroup_directories
from labcore.engine.container.network_connect import settle_networks
from labcore.engine.container.state import settled, while_it_runs
from labcore.engine.supervision.restart_policy import should_start
from labcore.engine.volume.mounting import unmount_unused
from labcore.errors import LabcoreError, NotFound, NotRunning
from labcore.runtime.cgroups.removal import frozen
from labcore.storage import gc
from labcore.storage.directories import sweep

if TYPE_CHECKING:
    from labcore.engine.engine import Engine, Supervisor
    from labcore.engine.records.records import Container, State


def reconcile(engine: Engine) -> None:
    """Pick up the containers that run, note how the others ended, undo what was half made, and carry out restart policies.

    One whose record is damaged is left alone, and named: no list has it.
    """
    assert engine.supervisor
    engine.container_dirs.sweep()
    engine.uppers.sweep()
    gc.sweep(engine.layers.directory)
    sweep(engine.root / "builder")
    _repair_networks(engine)
    for damaged in engine.records.damaged():
        engine.notify(str(damaged.why))
    for each in engine.records.readable():
        try:
            with engine.container_dirs.locked(each.id, each.name):
                _reconciled(engine, engine.supervisor, settled(engine, each.id))
        except NotFound:  # its directory has gone, and it can be but removed
            continue
    unmount_unused(engine.volumes, engine.records, engine.volumes.names())


def _repair_networks(engine: Engine) -> None:
    """Make and remove what killed processes have left half done of networks; what cannot be done each start tries again."""
    if not (engine.root / "network").is_dir():  # nobody has used any
        return
    try:
        for sentence in engine.networks.repair():
            engine.notify(sentence)
    except (LabcoreError, OSError) as error:
        engine.notify(f"networks were not repaired: {error}")


def _reconciled(engine: Engine, supervisor: Supervisor, container: Container) -> None:
    if container.state.status == "running":
        try:
            with while_it_runs(container):
                settle_networks(engine, container)
            process = containers.attach(engine, container)
        except NotRunning:  # it has ended since it was looked at
            container = settled(engine, container.id)
        else:
            supervisor.started(_truly_paused(engine, container), process)
            return
    if container.state.status == "exited":
        container = engine.records.change_state(container.id, lambda state: _to_be_started(container, state))
    if container.state.restarting:
        supervisor.restart_later(container)
    elif container.options.auto_remove and container.state.status == "exited":
        supervisor.submit(lambda: containers.remove(engine, container.id, volumes=True))


def _truly_paused(engine: Engine, container: Container) -> Container:
    """Return a container with whether it is frozen: whoever paused it may have been killed before that was noted."""
    paused = frozen(cgroup_directories(engine, container))
    if paused == container.state.paused:
        return container
    return engine.records.change_state(container.id, lambda state: state.replace(paused=paused))


def _to_be_started(container: Container, state: State) -> State:
    starts = should_start(
        container.options.restart,
        exit_code=state.exit_code,
        manually_stopped=state.manually_stopped,
        restart_count=state.restart_count,
    )
    if not starts:
        return state.replace(restarting=False)
    return state if state.restarting else state.replace(restarting=True, restart_count=0)
