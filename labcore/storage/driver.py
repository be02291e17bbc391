"""Storage driver: overlay, or copy where overlayfs cannot be mounted."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from labcore.atomic import atomic_write
from labcore.disk_space import room_for
from labcore.files import read_bytes
from labcore.spec import OverlayRoot

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    device = os.stat(directory).st_dev  # noqa: PTH116 - every start asks
    return _found(str(directory), device, os.uname().release, read_bytes("/proc/self/uid_map"))


@lru_cache(maxsize=16)
def _found(directory: str, device: int, release: str, uid_map: bytes) -> Driver:  # noqa: ARG001
    """Return the driver for a directory on this disk: the one that is noted, or found by a trial mount."""
    ids = tuple(uid_map.decode().split())
    if known := _noted(directory, release, ids):
        return known
    found: Driver = "overlay" if _overlay_works(Path(directory), in_userns=ids != EVERYBODY) else "copy"
    with room_for("the note of the storage driver", Path(directory)):
        atomic_write(Path(directory, "driver.json"), json.dumps({"here": [release, ids], "driver": found}).encode())
    return found


def _noted(directory: str, release: str, ids: tuple[str, ...]) -> Driver | None:
    """Return the driver that is noted, if that was for this kernel and this map."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(read_bytes(f"{directory}/driver.json"))
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
