"""pause, unpause: all processes of a container stopped where they are by its cgroup's freezer, and let go on."""

from __future__ import annotations

from labcore.engine.container.cgroups import freeze, thaw
from labcore.engine.container.events import log_container_event
from labcore.engine.container.state import settled, while_it_runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.engine.engine import Engine
    from labcore.engine.records.records import Container


def pause(engine: Engine, text: str) -> None:
    """Stop all processes of a container where they are. Raises NotFound, NotRunning, InUse, Unavailable."""
    found = engine.records.find(text)
    with engine.container_dirs.locked(found.id, found.name):
        container = settled(engine, found.id)
        engine.lifecycle.check("pause", container, text)
        with while_it_runs(container):
            freeze(engine, container)
        container = engine.records.change_state(container.id, lambda state: state.replace(paused=True))
        if engine.supervisor:
            engine.supervisor.paused(container)
        log_container_event(engine, container, "pause")


def unpause(engine: Engine, text: str) -> None:
    """Let them go on. Raises NotFound, LabcoreError if it is not paused."""
    found = engine.records.find(text)
    with engine.container_dirs.locked(found.id, found.name):
        container = settled(engine, found.id)
        engine.lifecycle.check("unpause", container, text)
        resume(engine, container)


def resume(engine: Engine, container: Container) -> None:
    """Let a container go on that is paused, and that the caller has locked."""
    thaw(engine, container)
    container = engine.records.change_state(container.id, lambda state: state.replace(paused=False))
    if engine.supervisor:
        engine.supervisor.resumed(container)
    log_container_event(engine, container, "unpause")
