"""Path resolution in a root file system that is not mounted: in its layers, with links followed by hand and inside it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from _typeshed import StrPath

MAX_LINKS = 40


def resolve(layers: Sequence[StrPath], path: str, mounted: Collection[str] = ()) -> str | None:
    """Return the path without links, whether or not anything lies there; None for too many links: path_resolution(7).

    `layers` are the directories that the root is stacked from, the topmost first. What lies at the `mounted` places, or below
    them, is not the root's own, and is taken for no link.
    """
    pending = _parts(path)
    here: list[str] = []
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            here = here[:-1]
            continue
        place = "/".join(["", *here, part])
        covered = any(place == each or place.startswith(f"{each}/") for each in mounted)
        found = None if covered else _topmost(layers, [*here, part])
        if found is None or not os.path.islink(found):
            here.append(part)
            continue
        links += 1
        if links > MAX_LINKS:
            return None
        target = os.readlink(found)
        here = [] if target.startswith("/") else here
        pending += _parts(target)
    return "/" + "/".join(here)


def _parts(path: str) -> list[str]:
    """Return the parts of a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def find(layers: Sequence[Path], path: str) -> Path | None:
    """Return the host's path of a file in the stack, or None."""
    from pathlib import Path

    place = resolve(layers, path)
    if place is None:
        return None
    if place == "/":
        return layers[-1]  # the upper layer may be gone by now
    found = _topmost(layers, place.split("/")[1:])
    return None if found is None else Path(found)


def _topmost(layers: Sequence[StrPath], parts: list[str]) -> str | None:
    """Return a name's entry in the topmost layer that has it, as overlayfs would: no link is followed on the way."""
    for layer in layers:
        place = os.fspath(layer)
        for part in parts[:-1]:
            place = f"{place}/{part}"
            if not os.path.lexists(place):
                break  # this layer says nothing of it
            if os.path.islink(place) or not os.path.isdir(place):
                return None  # something else stands here, a whiteout perhaps: what lies below is hidden
            if _is_opaque(place):
                layers = [layer]
        else:
            if os.path.lexists(entry := f"{place}/{parts[-1]}"):
                return None if _is_whiteout(entry) else entry
        if layers == [layer]:
            return None
    return None


def _is_whiteout(path: str) -> bool:
    status = os.lstat(path)
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _is_opaque(path: str) -> bool:
    for space in ("trusted", "user"):
        with suppress(OSError):
            if os.getxattr(path, f"{space}.overlay.opaque", follow_symlinks=False) == b"y":
                return True
    return False
