"""The exit of a container: noted with what follows from it, given back what it had, and told in docker's order."""

from __future__ import annotations

from labcore.engine.container.cgroups import remove_cgroups
from labcore.engine.container.events import log_container_event, log_mode, log_volumes
from labcore.errors import StoreFull
from labcore.timestamps import SECOND, parse_rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.engine.engine import Engine
    from labcore.engine.records.records import Container, State


def note_exit(engine: Engine, container: Container, state: State) -> Container:
    """Note how a container has ended, or that its start came to nothing; the caller has it locked. Raises NotFound.

    Whether it is started again is decided in the same step, if there is a supervisor to do it.
    """
    state = state.replace(oom_killed=remove_cgroups(engine, container))
    if container.options.networks:
        from labcore.engine.network.networks import release  # `ps` finds few that have just ended

        release(engine, container.id)

    def ended(noted: State) -> State:
        found = state.replace(manually_stopped=noted.manually_stopped)
        if found.status != "exited" or engine.supervisor is None:
            return found
        return engine.supervisor.decided(container, found)

    try:
        container = engine.records.change_state(container.id, ended)
    except StoreFull:  # it is found out anew the next time, and told once
        container = container.replace(state=ended(container.state))
    if container.mounts:
        from labcore.engine.volume.mounting import unmount_volumes_of  # likewise

        unmount_volumes_of(engine.volumes, engine.records, container)
    if state.status == "exited" and not (engine.supervisor and engine.supervisor.has_seen_to(container.id)):
        _tell(engine, container)
    return container


def _tell(engine: Engine, container: Container) -> None:
    state = container.state
    if state.oom_killed:
        log_container_event(engine, container, "oom")
    log_mode(engine, container, "disconnect")
    log_volumes(engine, container, "unmount")
    seconds = str(int(ran_seconds(state)))
    log_container_event(engine, container, "die", exitCode=str(state.exit_code), execDuration=seconds)
    if engine.supervisor is not None:
        engine.supervisor.exited(container)


def ran_seconds(state: State) -> float:
    """Return how long a container that has ended ran."""
    if not (state.started and state.finished):
        return 0.0
    return max(0, parse_rfc3339(state.finished) - parse_rfc3339(state.started)) / SECOND
