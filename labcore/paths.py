"""Paths: the state root, LABCORE_ROOT."""

from __future__ import annotations

import os
from pathlib import Path

from labcore.trust import trusted


def default_root() -> Path:
    """Return LABCORE_ROOT, or /var/lib/labcore for root, or labcore in a user's data folder (XDG base directories).

    Raises InvalidInput if it belongs to another user.
    """
    return Path(trusted(str(_default_root())))


def _default_root() -> Path:
    if given := os.environ.get("LABCORE_ROOT"):
        return Path(given).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/labcore")
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local/share")
    return Path(data) / "labcore"


def closed_directory(path: str) -> Path | None:
    """Return the first directory of a path that this process may not search; None if it may search all."""
    return next(
        (each for each in reversed(Path(path).absolute().parents) if each.is_dir() and not os.access(each, os.X_OK)), None
    )
