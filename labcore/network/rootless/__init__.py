"""Networks of an ordinary user: one network namespace for all bridges, and a program that connects it with the host's sockets.

Light, as procfs.py is.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Final

VARIABLE: Final = "LABCORE_ROOTLESS"  # the directory of the pause process, in what runs in its user namespace


def place() -> Path | None:
    """Return the directory of the pause process that keeps this process's user namespace; None if none does."""
    from pathlib import Path

    return Path(found) if (found := os.environ.get(VARIABLE)) else None


def obstacle() -> str:
    """Return why containers of this process, which is in a user namespace, can have no network, with the cure, or nothing."""
    from labcore.network.rootless import user_mode

    if place() is None:
        return "this user namespace has no networks of its own: make it by `labcore rootless PROGRAM ...`"
    return user_mode.obstacle()
