"""Containers that stay, for tests: a shell that is given a script at each start."""

from labcore.engine import Completed, Engine, create_options
from labcore.engine.container.attach import run_to_end
from labcore.engine.container.create import create
from labcore.engine.container.state import get, upper_of
from labcore.engine.records.records import Container
from labcore.errors import NotFound
from labcore.storage import Upper


def shell_container(engine: Engine, name: str, image: str = "busybox", **fields: object) -> Container:
    """Return the container of that name, a shell that reads scripts; it is made if it is not there."""
    try:
        return get(engine, name)
    except NotFound:
        words = {"name": name, "open_stdin": True, "stdin_once": True} | fields
        return create(engine, create_options(image, ["sh"], **words))


def run_script(engine: Engine, name: str, script: str, image: str = "busybox", **fields: object) -> Completed:
    """Start that container, which may be made for it, and have it carry out a script."""
    return run_to_end(engine, shell_container(engine, name, image, **fields).id, input=script.encode())


def upper(engine: Engine, name: str) -> Upper:
    """Return where a container's own files lie."""
    return upper_of(get(engine, name))


def changes(engine: Engine, name: str) -> list[str]:
    """Return what `labcore diff` says."""
    return [f"{change.kind[0].upper()} {change.path}" for change in engine.uppers.changes(upper(engine, name))]


def names(engine: Engine) -> list[str]:
    """Return the names of all containers, sorted."""
    return sorted(each.name for each in engine.records.all())
