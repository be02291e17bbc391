"""--cidfile: a container's ID in a file."""

from __future__ import annotations

from labcore.errors import InvalidInput


def write_cidfile(path: str, container_id: str) -> None:
    """Write a container's ID to a file of its own. Raises InvalidInput."""
    try:
        with open(path, "x", encoding="utf-8") as file:  # noqa: PTH123
            file.write(container_id)
    except FileExistsError:
        raise InvalidInput(f"--cidfile {path}: it is there, perhaps another container's: remove it, or name another") from None
