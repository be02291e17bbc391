"""Container IDs: 64 hex digits, drawn; people are shown the first twelve."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

ID_SHORT: Final = 12  # digits


def new_id() -> str:
    """Return a container's ID: 64 hex digits, drawn."""
    return os.urandom(32).hex()
