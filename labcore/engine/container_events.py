"""Container events: what docker says beside the action, its image, name and labels."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.engine.engine import Engine
    from labcore.engine.records import Container


def log_container_event(engine: Engine, container: Container, action: str, **attributes: str) -> None:
    """Publish what has happened to a container. In an engine without subscribers it costs nothing."""
    if engine.events is not None:
        about = {"image": container.image, "name": container.name}
        engine.log_event("container", action, container.id, container.labels() | about | attributes)
