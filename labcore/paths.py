"""Paths: the state root, LABCORE_ROOT, and where its daemon listens."""

from __future__ import annotations

import os
from pathlib import Path

from labcore.trust import trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SYSTEM_ROOT: Final = Path("/var/lib/labcore")
SYSTEM_SOCKET: Final = Path("/run/labcore.sock")
SOCKET_NAME: Final = "labcore.sock"


def default_root() -> Path:
    """Return LABCORE_ROOT, or /var/lib/labcore for root, or labcore in a user's data folder (XDG base directories).

    Raises InvalidInput if it belongs to another user.
    """
    return Path(trusted(str(_default_root())))


def _default_root() -> Path:
    if given := os.environ.get("LABCORE_ROOT"):
        return Path(given).absolute()
    return SYSTEM_ROOT if os.geteuid() == 0 else _users_root()


def _users_root() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "labcore"


def daemon_socket(root: Path | None = None) -> Path:
    """Return where a state root's daemon listens that is told nothing else, of the default root unless one is named.

    That of the machine's root is /run/labcore.sock, that of a user's own $XDG_RUNTIME_DIR/labcore.sock; any other has its
    socket in the root itself.
    """
    root = root.absolute() if root else default_root()
    if root == SYSTEM_ROOT:
        return SYSTEM_SOCKET
    runtime_directory = os.environ.get("XDG_RUNTIME_DIR")
    if runtime_directory and _is_ours(runtime_directory) and root == _users_root():
        return Path(runtime_directory, SOCKET_NAME)
    return root / SOCKET_NAME


def _is_ours(directory: str) -> bool:
    """Return whether a directory is this user's: root inside of a user namespace has the user's own, sudo's root has not."""
    try:
        return os.stat(directory).st_uid == os.geteuid()  # noqa: PTH116
    except OSError:
        return False


def closed_directory(path: str) -> Path | None:
    """Return the first directory of a path that this process may not search; None if it may search all."""
    return next(
        (each for each in reversed(Path(path).absolute().parents) if each.is_dir() and not os.access(each, os.X_OK)), None
    )
