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


def has_networks() -> bool:
    """Return whether containers of this process, which is in a user namespace, can have a network."""
    from labcore.network.rootless import user_mode

    return place() is not None and user_mode.obstacle() is None
