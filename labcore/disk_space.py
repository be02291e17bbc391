"""A full disk, said so that one knows what to do."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labcore.errors import StoreFull

FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def room_for(what: str, directory: Path) -> Iterator[None]:
    """Do something that needs room below a directory. Raises StoreFull, with what it was, where there is none left."""
    try:
        yield
    except StoreFull:
        raise
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise StoreFull(
            error.errno, f"no room for {what} in {directory}: {free(directory)}; `labcore system prune` frees some"
        ) from None


def free(directory: Path) -> str:
    """Return how much room there is, in words."""
    try:
        status = os.statvfs(directory)
    except OSError:
        return "how much is left is not known"
    return f"{status.f_bavail * status.f_frsize / 1e6:.0f} MB and {status.f_favail} files are left"
