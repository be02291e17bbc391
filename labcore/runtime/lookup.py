"""Path resolution in a root file system that is not mounted: in its layers, with links followed by hand and inside it.

Every start of a container asks for some paths, so that this works on strings, and looks at each entry once.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import cache

from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path
    from typing import TypeAlias

MAX_LINKS = 40
Layers: TypeAlias = "Sequence[str | Path]"
Status: TypeAlias = "Callable[[str], os.stat_result | None]"


class Entry(Record):
    """An entry of a layer: its path on the host, and whether it is a symbolic link."""

    path: str
    is_link: bool


def status(path: str) -> os.stat_result | None:
    """Return what lies at a path of the host: lstat(2); None if nothing does."""
    try:
        return os.lstat(path)
    except OSError:
        return None


def asked_once() -> Status:
    """Return `status` for several paths that are resolved at one moment: it asks the kernel once for each entry."""
    return cache(status)


def resolve(layers: Layers, path: str, mounted: Collection[str] = (), status: Status = status) -> str | None:
    """Return the path without links, whether or not anything lies there; None for too many links: path_resolution(7).

    `layers` are the directories that the root is stacked from, the topmost first. What lies at the `mounted` places, or below
    them, is not the root's own, and is taken for no link.
    """
    pending = _parts(path)
    here, covered = "", False  # without links
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            here = here.rpartition("/")[0]
            covered = any(here == each or here.startswith(f"{each}/") for each in mounted)
            continue
        place = f"{here}/{part}"
        covered = covered or place in mounted
        found = None if covered else _topmost(layers, place, status)
        if found is None or not found.is_link:
            here = place
            continue
        links += 1
        if links > MAX_LINKS:
            return None
        target = os.readlink(found.path)
        here = "" if target.startswith("/") else here
        pending += _parts(target)
    return here or "/"


def _parts(path: str) -> list[str]:
    """Return a path's names, the last first."""
    return [part for part in path.split("/") if part not in ("", ".")][::-1]


def find(layers: Layers, path: str) -> Path | None:
    """Return the host's path of a file in the stack, or None."""
    from pathlib import Path

    place = resolve(layers, path)
    if place is None:
        return None
    if place == "/":
        return Path(layers[-1])  # the upper layer may be gone by now
    found = _topmost(layers, place, status)
    return Path(found.path) if found else None


def _topmost(layers: Layers, path: str, status: Status) -> Entry | None:
    """Return a name's entry in the topmost layer that has it, as overlayfs would: no link is followed on the way."""
    *parents, name = path.split("/")[1:]
    last = len(layers) - 1
    for number, layer in enumerate(layers):
        place, hides = str(layer), number == last
        for part in parents:
            place = f"{place}/{part}"
            found = status(place)
            if found is None:
                break  # this layer says nothing of it
            if not stat.S_ISDIR(found.st_mode):
                return None  # something else stands here, a whiteout perhaps: what lies below is hidden
            hides = hides or _is_opaque(place)
        else:
            place = f"{place}/{name}"
            if found := status(place):
                return None if _is_whiteout(found) else Entry(place, stat.S_ISLNK(found.st_mode))
        if hides:
            return None
    return None


def _is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _is_opaque(path: str) -> bool:
    for space in ("trusted", "user"):
        with suppress(OSError):
            if os.getxattr(path, f"{space}.overlay.opaque", follow_symlinks=False) == b"y":
                return True
    return False
