"""restart: a container that is stopped and started by somebody, or started again by its restart policy."""

from __future__ import annotations

from contextlib import nullcontext

from labcore.engine.container.events import log_container_event
from labcore.engine.container.start import start, started
from labcore.engine.container.state import get, settled
from labcore.engine.containers import stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.engine.engine import Engine
    from labcore.native import Process


def restart(engine: Engine, text: str, *, number: int | None = None, seconds: int | None = None) -> Process:
    """Stop a container, as `stop` does, if it runs, and start it; return its process, as `start` does.

    One that was to go when it ends stays. Raises NotFound, InUse, StepFailed.
    """
    container = get(engine, text)
    engine.lifecycle.check("restart", container, text)
    with engine.supervisor.keeping(container.id) if engine.supervisor else nullcontext():
        stop(engine, container.id, number=number, seconds=seconds)
        process = start(engine, container.id)
    log_container_event(engine, container, "restart")
    return process


def start_again(engine: Engine, id: str) -> None:
    """Start a container whose restart was decided, unless that was cancelled meanwhile. Raises NotFound, StepFailed.

    The process is the supervisor's.
    """
    name = engine.records.find(id).name
    with engine.container_dirs.locked(id, name):
        container = settled(engine, id)
        if container.state.restarting:
            started(engine, container)
