"""Path resolution in a root file system that is not mounted: in its layers, with links followed by hand and inside it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import PurePosixPath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

MAX_LINKS = 40


def resolve(layers: Sequence[Path], path: str, mounted: Collection[str] = ()) -> str | None:
    """Return the path without links, whether or not anything lies there; None for too many links: path_resolution(7).

    `layers` are the directories that the root is stacked from, the topmost first. What lies at the `mounted` places, or below
    them, is not the root's own, and is taken for no link.
    """
    pending = [part for part in PurePosixPath(path).parts if part != "/"][::-1]
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
        if found is None or not found.is_symlink():
            here.append(part)
            continue
        links += 1
        if links > MAX_LINKS:
            return None
        target = PurePosixPath(found.readlink())
        here = [] if target.is_absolute() else here
        pending += [piece for piece in target.parts if piece != "/"][::-1]
    return "/" + "/".join(here)


def find(layers: Sequence[Path], path: str) -> Path | None:
    """Return the host's path of a file in the stack, or None."""
    place = resolve(layers, path)
    if place is None:
        return None
    return _topmost(layers, place.split("/")[1:]) if place != "/" else layers[-1]  # the upper layer may be gone by now


def _topmost(layers: Sequence[Path], parts: list[str]) -> Path | None:
    """Return a name's entry in the topmost layer that has it, as overlayfs would: no link is followed on the way."""
    for layer in layers:
        place = layer
        for part in parts[:-1]:
            place = place / part
            if not os.path.lexists(place):
                break  # this layer says nothing of it
            if place.is_symlink() or not place.is_dir():
                return None  # something else stands here, a whiteout perhaps: what lies below is hidden
            if _is_opaque(place):
                layers = [layer]
        else:
            if os.path.lexists(entry := place / parts[-1]):
                return None if _is_whiteout(entry) else entry
        if layers == [layer]:
            return None
    return None


def _is_whiteout(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _is_opaque(path: Path) -> bool:
    for space in ("trusted", "user"):
        with suppress(OSError):
            if os.getxattr(path, f"{space}.overlay.opaque", follow_symlinks=False) == b"y":
                return True
    return False
