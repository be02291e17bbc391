"""Container events: what docker says beside the action, its image, name and labels; and of its volumes and networks."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.engine.engine import Engine
    from labcore.engine.records.records import Container


def log_container_event(engine: Engine, container: Container, action: str, **attributes: str) -> None:
    """Publish what has happened to a container. In an engine without subscribers it costs nothing."""
    if engine.events is not None:
        about = {"image": container.image, "name": container.name}
        engine.log_event("container", action, container.id, container.labels() | about | attributes)


def log_volumes(engine: Engine, container: Container, action: str) -> None:
    """Publish that a container's volumes are mounted in it (`mount`), or are no more (`unmount`)."""
    for mount in container.mounts if engine.events is not None else ():
        if mount.kind == "volume":
            more = {"destination": mount.target, "propagation": "", "read/write": str(not mount.read_only).lower()}
            about = {"container": container.id, "driver": "local"}
            engine.log_event("volume", action, mount.source, about | (more if action == "mount" else {}))


def log_mode(engine: Engine, container: Container, action: str) -> None:
    """Publish that a container is on the network that stands for none, or the host's (`connect`), or no more (`disconnect`)."""
    mode = container.options.network_mode
    if engine.events is not None and mode in ("none", "host"):
        network = engine.networks.find(mode)
        about = {"container": container.id, "name": mode, "type": network.wanted.driver}
        engine.log_event("network", action, network.id, about)
