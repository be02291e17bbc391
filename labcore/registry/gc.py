"""Garbage collection of a registry's blobs and abandoned uploads, while the registry is served.

A blob is needed if a repository has a manifest that refers to it. Blobs that were pushed or asked for lately are kept, too, and
so are those of repositories with uploads under way: they may belong to a manifest that has not arrived yet.
"""

import json
import time
from collections.abc import Container
from contextlib import suppress
from typing import Any, Final

from labcore.atomic import INCOMING, remove_if_abandoned
from labcore.record import Record
from labcore.registry.names import DIGEST
from labcore.registry.store import Files
from labcore.registry.upload_store import drop_abandoned, under_way

GRACE: Final = 3600.0  # seconds


class Collected(Record):
    """What was removed."""

    blobs: int
    size: int


def collect(files: Files, *, grace: float = GRACE) -> Collected:
    """Remove blobs that no manifest refers to, and abandoned uploads."""
    drop_abandoned(files.uploads)
    blobs = size = 0
    with files.changing(alone=True):  # nobody links meanwhile what is removed here
        old = time.time() - grace
        needed = _needed(files) | _pushed_to(files, old)
        unneeded = {}
        for path in (files.root / "blobs").glob("*/[!.]*"):
            status, digest = path.stat(), f"{path.parent.name}:{path.name}"
            if digest not in needed and status.st_mtime <= old:
                unneeded[digest] = (path, status.st_size)
        _unlink(files, unneeded)  # first: who finds the blob gone must not find it promised
        for path, length in unneeded.values():
            path.unlink(missing_ok=True)
            blobs, size = blobs + 1, size + length
        _drop_half_written(files)
    return Collected(blobs, size)


def _unlink(files: Files, digests: Container[str]) -> None:
    for directory in files.directories():
        for link in (directory / "_blobs").glob("*"):
            if link.name in digests:
                link.unlink(missing_ok=True)


def _drop_half_written(files: Files) -> None:
    """Remove temporary files of writers that were killed."""
    for path in (files.root / "blobs").glob(f"*/{INCOMING}*"):
        remove_if_abandoned(path)
    for directory in files.directories():
        for pattern in (f"_*/{INCOMING}*", f"_referrers/*/{INCOMING}*"):
            for path in directory.glob(pattern):
                remove_if_abandoned(path)


def _pushed_to(files: Files, since: float) -> set[str]:
    """Return the blobs of repositories with uploads under way."""
    is_pushed_to = under_way(files.uploads, since)
    base = files.root / "repositories"
    return {
        link.name
        for directory in files.directories()
        if is_pushed_to(str(directory.relative_to(base)))
        for link in (directory / "_blobs").glob("*")
    }


def _needed(files: Files) -> set[str]:
    found: set[str] = set()
    for directory in files.directories():
        for entry in (directory / "_manifests").glob("*"):
            if DIGEST.fullmatch(entry.name):
                found.add(entry.name)
                with suppress(OSError, ValueError, RecursionError):
                    found |= _named_in(json.loads(files.blob_path(entry.name).read_bytes()))
    return found


def _named_in(manifest: Any) -> set[str]:
    """Return all digests in a manifest, wherever they are, so that unknown media types work too."""
    found, left = set(), [manifest]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if isinstance(value.get("digest"), str):
                found.add(value["digest"])
            left += value.values()
        elif isinstance(value, list):
            left += value
    return found
