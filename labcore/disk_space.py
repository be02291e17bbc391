"""Disk space: ENOSPC, EDQUOT and EROFS become StoreFull, which names what needed room and where."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager

from labcore.errors import StoreFull

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def room_for(what: str, directory: Path) -> Iterator[None]:
    """Turn a full or read-only disk in the block into StoreFull, which names `what` and the directory."""
    try:
        yield
    except StoreFull:
        raise
    except OSError as error:
        if error.errno == errno.EROFS:
            raise StoreFull(error.errno, read_only_disk(what, directory)) from None
        if error.errno not in FULL:
            raise
        raise StoreFull(error.errno, full_disk(what, directory)) from None


def full_disk(what: str, directory: Path) -> str:
    """Return the sentence about it, in which programs find strerror(3)'s words."""
    return f"no room for {what} in {directory}: no space left on device: {_free(directory)}; `labcore system prune` frees some"


def read_only_disk(what: str, directory: Path) -> str:
    """Return the sentence about a file system that nothing can be written to."""
    return (
        f"no room for {what} in {directory}: read-only file system: nothing can be written there; the kernel mounts one so "
        f"after an error of the disk, which dmesg tells: then mount -o remount,rw"
    )


def _free(directory: Path) -> str:
    try:
        status = os.statvfs(directory)
    except OSError:
        return "how much is left is not known"
    return f"{status.f_bavail * status.f_frsize / 1e6:.0f} MB and {status.f_favail} files are left"
