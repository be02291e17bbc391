"""Links of containers that are there: taken away by the name that they have in the container that has them."""

from labcore.engine.engine import Engine
from labcore.errors import LabcoreError, NotFound


def remove_link(engine: Engine, text: str) -> None:
    """Take the link `CONTAINER/ALIAS` away, from the container's next start on. Raises NotFound, LabcoreError."""
    parent, slash, alias = text.removeprefix("/").partition("/")
    if not slash:
        raise LabcoreError("Conflict, cannot remove the default link name of the container")
    container = engine.records.find(parent)
    left = tuple(link for link in container.options.links if link[1] != alias)
    if left == container.options.links:
        raise NotFound(f"No such container: {text}")
    with engine.container_dirs.locked(container.id, container.name):
        engine.records.set_options(container, container.options.replace(links=left))
