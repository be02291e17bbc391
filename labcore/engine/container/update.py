"""update: limits of a container changed while it runs, and for its next starts, and its restart policy."""

from __future__ import annotations

from labcore.engine.container.cgroups import cgroup_directories, cgroup_of_running, uncount_shim
from labcore.engine.container.events import log_container_event
from labcore.engine.container.state import settled
from labcore.engine.options.resources import limited, with_quota
from labcore.errors import InUse, InvalidInput
from labcore.spec import RestartPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from labcore.engine.engine import Engine
    from labcore.engine.records.records import Container
    from labcore.spec import CreateOptions, Resources


def update(
    engine: Engine, text: str, limits: dict[str, Any] | None = None, *, restart: RestartPolicy | None = None
) -> Container:
    """Change a container's limits (fields of Resources, by name) and its restart policy; return it as it is then.

    Nothing is changed if one of them cannot be. Raises NotFound, InUse, InvalidInput, Unavailable.
    """
    found = engine.records.find(text)
    with engine.container_dirs.locked(found.id, found.name):
        container = settled(engine, found.id)
        engine.lifecycle.check("update", container)
        options = _changed(container, limits or {}, restart)
        if limits and container.state.status == "running":
            changed = _differing(with_quota(container.options.resources), with_quota(options.resources))
            if changed.pids:
                uncount_shim(cgroup_directories(engine, container), container.state.pid)
            cgroup_of_running(engine, container).apply(changed)
        container = engine.records.set_options(container, options)
    log_container_event(engine, container, "update")
    return container


def _changed(container: Container, limits: dict[str, Any], restart: RestartPolicy | None) -> CreateOptions:
    """Return the options as they are then. Raises InUse for what this container cannot have, InvalidInput for what none can."""
    options, refused = container.options, f"Cannot update container {container.id}: "
    limited(options.replace(resources=type(options.resources)(**limits)), ())
    old = options.resources
    if restart and restart.name != "no" and options.auto_remove:
        raise InUse(f"{refused}Restart policy cannot be updated because AutoRemove is enabled for the container")
    if (limits.get("memory") or 0) > _memory_and_swap(old) >= 0 and not limits.get("swap"):
        raise InUse(
            f"{refused}Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time"
        )
    _check_processors(old, limits, refused)
    try:
        changed = options.replace(resources=old.replace(**limits))
        limited(changed, ())
    except InvalidInput as error:
        raise InUse(f"{refused}{error}") from None
    return changed.replace(restart=restart) if restart else changed


def _check_processors(old: Resources, limits: dict[str, Any], refused: str) -> None:
    """Raise InUse if processors are limited in one way, and the change says another."""
    both = ("CPU Period", "cpu_period"), ("CPU Quota", "cpu_quota")
    for words, name in both:
        if limits.get("nano_cpus") and getattr(old, name):
            raise InUse(f"{refused}Conflicting options: Nano CPUs cannot be updated as {words} has already been set")
    for words, name in both:
        if limits.get(name) and old.nano_cpus:
            raise InUse(f"{refused}Conflicting options: {words} cannot be updated as NanoCPUs has already been set")


def _memory_and_swap(limits: Resources) -> int:
    """Return how much of both a container has, as docker notes it at its creation; 0: no limit was named."""
    return limits.swap if limits.swap is not None else 2 * (limits.memory or 0)


def _differing(old: Resources, new: Resources) -> Resources:
    """Return those limits alone that are other than they were; swap goes with memory, and the quota with its period."""
    was = old.as_dict()
    changes = {name: value for name, value in new.as_dict().items() if value != was[name]}
    for one, other in (("memory", "swap"), ("swap", "memory"), ("cpu_quota", "cpu_period"), ("cpu_period", "cpu_quota")):
        if one in changes and getattr(new, other) is not None:
            changes[other] = getattr(new, other)
    return type(new)(**changes)
