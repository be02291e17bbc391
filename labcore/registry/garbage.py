"""Remove what no repository needs any more, while the registry is served.

A blob is needed if a manifest names it that some repository has. What came lately is kept whatever is said of it: it may belong
to a manifest that is still on its way.
"""

import json
import time
from contextlib import suppress
from typing import Any, Final

from labcore.record import Record
from labcore.registry.files import Files, drop_abandoned

GRACE: Final = 3600.0  # seconds


class Collected(Record):
    """What was removed."""

    blobs: int
    size: int


def collect(files: Files, *, grace: float = GRACE) -> Collected:
    """Remove blobs that no manifest names, and uploads that nobody goes on with."""
    drop_abandoned(files)
    needed = _needed(files)
    old = time.time() - grace
    blobs = size = 0
    for path in [path for path in (files.root / "blobs").glob("*/*") if not path.name.startswith(".")]:
        digest = f"{path.parent.name}:{path.name}"
        status = path.stat()
        if digest in needed or status.st_mtime > old:
            continue
        for link in (files.root / "repositories").glob(f"**/_blobs/{digest}"):
            link.unlink(missing_ok=True)  # first: who finds the blob gone must not find it promised
        path.unlink(missing_ok=True)
        blobs, size = blobs + 1, size + status.st_size
    return Collected(blobs, size)


def _needed(files: Files) -> set[str]:
    found: set[str] = set()
    for entry in (files.root / "repositories").glob("**/_manifests/*"):
        if entry.name.startswith("."):
            continue
        found.add(entry.name)
        with suppress(OSError, ValueError):
            found |= _named_in(json.loads(files.blob_path(entry.name).read_bytes()))
    return found


def _named_in(value: Any) -> set[str]:
    """Return all digests in a manifest, wherever they stand: of a kind of manifest that is not known here, too."""
    if isinstance(value, dict):
        own = {value["digest"]} if isinstance(value.get("digest"), str) else set()
        return own.union(*map(_named_in, value.values()))
    return set().union(*map(_named_in, value)) if isinstance(value, list) else set()
