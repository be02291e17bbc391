"""Comparison of an unpacked layer with a fresh one, file by file: content and all metadata except some times.

Whiteouts have no time of their own, and implied directories have the time at which they were made.
"""

import filecmp
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from labcore.storage.whiteouts import is_whiteout


def differences(layer: Path, fresh: Path) -> Iterator[str]:
    """Yield the differences of two directories, a line for each file: a layer's, and one that was just unpacked."""
    yield from _of_one(layer, fresh, "/")
    left = [""]
    while left:
        at = left.pop()
        here, there = ({path.name for path in (top / at).iterdir()} for top in (layer, fresh))
        for name in sorted(here | there):
            path = f"{at}/{name}".lstrip("/")
            if name not in there or name not in here:
                yield f"/{path} {'was added' if name in here else 'is missing'}"
                continue
            yield from _of_one(layer / path, fresh / path, f"/{path}")
            if all(stat.S_ISDIR((top / path).lstat().st_mode) for top in (layer, fresh)):
                left.append(path)


def _of_one(one: Path, other: Path, name: str) -> Iterator[str]:
    ours, theirs = one.lstat(), other.lstat()
    for what in ("st_mode", "st_uid", "st_gid", "st_rdev"):
        if getattr(ours, what) != getattr(theirs, what):
            yield f"{name} has another {what.removeprefix('st_')}"
            return
    if stat.S_ISLNK(ours.st_mode) and one.readlink() != other.readlink():
        yield f"{name} leads elsewhere"
    elif stat.S_ISREG(ours.st_mode) and (ours.st_size != theirs.st_size or not filecmp.cmp(one, other, shallow=False)):
        yield f"{name} has another content"
    elif _has_time(ours) and ours.st_mtime_ns != theirs.st_mtime_ns:
        yield f"{name} was changed at another time"
    elif _attributes(one) != _attributes(other):
        yield f"{name} has other attributes"


def _has_time(status: os.stat_result) -> bool:
    return not stat.S_ISDIR(status.st_mode) and not is_whiteout(status)


def _attributes(path: Path) -> dict[str, bytes]:
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in os.listxattr(path, follow_symlinks=False)}
