"""Storage driver: overlay, or copy where overlayfs cannot be mounted."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import lru_cache

from labcore.atomic import atomic_write
from labcore.files import read_bytes
from labcore.spec import OverlayRoot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Final, Literal, TypeAlias

Driver: TypeAlias = "Literal['overlay', 'copy']"
VARIABLE: Final = "LABCORE_STORAGE"
EVERYBODY: Final = ("0", "0", "4294967295")  # the map of the machine's own user namespace


def driver(directory: Path) -> Driver:
    """Return the driver for a LayerStore's directory: LABCORE_STORAGE, or what one trial mount has shown.

    The result is kept in `driver.json`, for this kernel and this user namespace's id map.
    """
    if os.environ.get(VARIABLE) in ("overlay", "copy"):
        return "copy" if os.environ[VARIABLE] == "copy" else "overlay"
    here = (os.uname().release, tuple(read_bytes("/proc/self/uid_map").decode().split()))
    with suppress(OSError):
        if known := _noted(read_bytes(f"{directory}/driver.json"), *here):
            return known
    found: Driver = "overlay" if _overlay_works(directory, in_userns=here[1] != EVERYBODY) else "copy"
    atomic_write(directory / "driver.json", json.dumps({"here": here, "driver": found}).encode())
    return found


@lru_cache(maxsize=16)
def _noted(content: bytes, release: str, ids: tuple[str, ...]) -> Driver | None:
    """Return the driver that is noted, if that was for this kernel and this map."""
    with suppress(ValueError, KeyError, TypeError):
        known = json.loads(content)
        if known["here"] == [release, list(ids)]:
            return "copy" if known["driver"] == "copy" else "overlay"
    return None


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
