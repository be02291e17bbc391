"""Storage driver: overlay, or copy where overlayfs cannot be mounted."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from labcore.atomic import atomic_write
from labcore.spec import OverlayRoot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal, TypeAlias

Driver: TypeAlias = "Literal['overlay', 'copy']"
VARIABLE: Final = "LABCORE_STORAGE"
EVERYBODY: Final = ["0", "0", "4294967295"]  # the map of the machine's own user namespace


def driver(directory: Path) -> Driver:
    """Return the driver for a LayerStore's directory: LABCORE_STORAGE, or what one trial mount has shown.

    The result is kept in `driver.json`, for this kernel and this user namespace's id map.
    """
    if os.environ.get(VARIABLE) in ("overlay", "copy"):
        return "copy" if os.environ[VARIABLE] == "copy" else "overlay"
    ids = Path("/proc/self/uid_map").read_text().split()
    here = [os.uname().release, ids]
    noted = directory / "driver.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(noted.read_text())
        if known["here"] == here:
            return "copy" if known["driver"] == "copy" else "overlay"
    found: Driver = "overlay" if _overlay_works(directory, in_userns=ids != EVERYBODY) else "copy"
    atomic_write(noted, json.dumps({"here": here, "driver": found}).encode())
    return found


def _overlay_works(directory: Path, *, in_userns: bool) -> bool:
    """Mount an overlay on this disk, and make a directory in it."""
    from labcore.storage import overlay  # `run` mostly finds the answer on the disk
    from labcore.storage.directories import UNFINISHED, remove_tree

    place = directory / f"{UNFINISHED}{os.getpid()}-{os.urandom(6).hex()}"
    try:
        for name in ("lower", "upper", "work"):
            (place / name).mkdir(parents=True)
        root = OverlayRoot(str(directory), (f"{place.name}/lower",), "scratch", place.name, user_attributes=in_userns)
        with overlay.merged(root, writable=True) as tree:
            os.mkdir("made", dir_fd=tree)
    except OSError:
        return False
    finally:
        remove_tree(place)
    return True
