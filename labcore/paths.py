"""Paths: the state root, LABCORE_ROOT, and where its daemon listens. Light: `pathlib` costs each command 4 ms."""

from __future__ import annotations

import os

from labcore.trust import trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Final

    from _typeshed import StrPath

SYSTEM_ROOT: Final = "/var/lib/labcore"
SYSTEM_SOCKET: Final = "/run/labcore.sock"
SOCKET_NAME: Final = "labcore.sock"


def default_root() -> Path:
    """Return LABCORE_ROOT, or /var/lib/labcore for root, or labcore in a user's data folder (XDG base directories).

    Raises InvalidInput if it belongs to another user.
    """
    from pathlib import Path

    return Path(trusted(_default_root()))


def _default_root() -> str:
    if given := os.environ.get("LABCORE_ROOT"):
        return os.path.abspath(given)
    return SYSTEM_ROOT if os.geteuid() == 0 else _users_root()


def _users_root() -> str:
    return f"{os.environ.get('XDG_DATA_HOME') or os.path.expanduser('~/.local/share')}/labcore"


def daemon_socket(root: StrPath | None = None) -> str:
    """Return where a state root's daemon listens that is told nothing else, of the default root unless one is named.

    That of the machine's root is /run/labcore.sock, that of a user's own $XDG_RUNTIME_DIR/labcore.sock; any other has its
    socket in the root itself. Raises InvalidInput as `default_root` does.
    """
    place = os.path.abspath(root) if root else trusted(_default_root())
    if place == SYSTEM_ROOT:
        return SYSTEM_SOCKET
    runtime_directory = os.environ.get("XDG_RUNTIME_DIR")
    if runtime_directory and _is_ours(runtime_directory) and place == _users_root():
        return f"{runtime_directory}/{SOCKET_NAME}"
    return f"{place}/{SOCKET_NAME}"


def _is_ours(directory: str) -> bool:
    """Return whether a directory is this user's: root inside of a user namespace has the user's own, sudo's root has not."""
    try:
        return os.stat(directory).st_uid == os.geteuid()
    except OSError:
        return False


def closed_directory(path: str) -> str | None:
    """Return the first directory of a path that this process may not search; None if it may search all."""
    parents = [os.path.dirname(os.path.abspath(path))]
    while parents[-1] != "/":
        parents.append(os.path.dirname(parents[-1]))
    return next((each for each in reversed(parents) if os.path.isdir(each) and not os.access(each, os.X_OK)), None)
