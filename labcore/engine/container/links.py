"""Links on the default network: made, shown and taken away; each gives a container one more name, `HOLDER/ALIAS`."""

from __future__ import annotations

from collections.abc import Iterable

from labcore.engine.engine import Engine
from labcore.engine.records.records import Container
from labcore.errors import InvalidInput, LabcoreError, NotFound


def named_container(engine: Engine, name: str, begin: str = "") -> Container:
    """Return a container that another one's options name. Raises InvalidInput: it is the options that are wrong."""
    try:
        return engine.records.find(name)
    except NotFound as error:
        raise InvalidInput(f"{begin}{error}") from None


def resolved_links(engine: Engine, links: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return a container's links to others' IDs, which stay when these are renamed. Raises InvalidInput."""
    found = []
    for name, alias in links:
        linked = named_container(engine, name, f"could not get container for {name}: ")
        if linked.options.network_mode == "host":
            raise InvalidInput(f"conflicting options: host type networking can't be used with links: {name} has the host's")
        found.append((linked.id, alias.removeprefix("/")))
    return tuple(found)


def link_names(containers: Iterable[Container]) -> dict[str, list[str]]:
    """Return the names that links of these containers give to others, by the others' IDs."""
    found: dict[str, list[str]] = {}
    for holder in containers:
        for id, alias in holder.options.links:
            found.setdefault(id, []).append(f"/{holder.name}/{alias}")
    return found


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
