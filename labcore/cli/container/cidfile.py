"""--cidfile: a container's ID in a file."""

from __future__ import annotations

import os

from labcore.errors import InvalidInput


def check_cidfile(path: str) -> None:
    """Raise InvalidInput if the file is there, before a container is made whose ID it should have."""
    if os.path.lexists(path):
        raise _is_there(path)


def write_cidfile(path: str, container_id: str) -> None:
    """Write a container's ID to a file of its own. Raises InvalidInput."""
    try:
        with open(path, "x", encoding="utf-8") as file:  # noqa: PTH123
            file.write(container_id)
    except FileExistsError:
        raise _is_there(path) from None


def _is_there(path: str) -> InvalidInput:
    return InvalidInput(f"--cidfile {path}: it is there, perhaps another container's: remove it, or name another")
