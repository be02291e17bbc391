"""Unix sockets with paths of any length: sun_path has room for 107 bytes (unix(7)), a link below /proc/self/fd is shorter."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def short_path(directory: str) -> Iterator[str]:
    """Yield a short name of a directory, good for as long as the block lasts. Raises OSError."""
    fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


def bind_beside(bound: socket.socket, path: Path) -> Path:
    """Bind a socket to a new name in the directory of `path`; return that name's path. Raises OSError.

    It is to be linked or renamed to `path` when it listens: then whoever sees the path finds somebody who answers.
    """
    name = f".{secrets.token_hex(8)}.sock"
    with short_path(str(path.parent)) as place:
        bound.bind(f"{place}/{name}")
    return path.parent / name


def connect(connection: socket.socket, path: Path) -> None:
    """Connect to the socket at a path. Raises OSError, of which ConnectionRefusedError says that nobody listens there."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        connection.connect(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)
