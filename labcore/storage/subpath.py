"""Subpaths of volumes: files and directories in one, found by no link that leads out, openat2(2) with RESOLVE_BENEATH."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress

from labcore.errors import InvalidInput, NotFound
from labcore.native import Resolve
from labcore.storage.tree import open_beneath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Final

DIRECTORY: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
BENEATH: Final = Resolve.BENEATH | Resolve.NO_MAGICLINKS


@contextmanager
def opened(volume: Path, subpath: str) -> Iterator[int]:
    """Yield a descriptor (O_PATH) of what lies at a path below a volume's directory. Raises NotFound, InvalidInput; OSError."""
    top = os.open(volume, DIRECTORY)
    try:
        fd = open_beneath(top, subpath, os.O_PATH | os.O_CLOEXEC, BENEATH)
    except OSError as error:
        _explain(error, volume, subpath)
        raise
    finally:
        os.close(top)
    try:
        yield fd
    finally:
        os.close(fd)


def _explain(error: OSError, volume: Path, subpath: str) -> None:
    """Say in docker's words what is wrong with a path in a volume. Raises NotFound, InvalidInput."""
    if error.errno == errno.EXDEV:
        base = f"path concatenation escapes the base directory, base: {volume}, subpath: {subpath}"
        raise InvalidInput(f"{base}: a link there leads out of the volume") from None
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
        why = os.strerror(error.errno).lower()
        raise NotFound(f"cannot access path {volume}/{subpath}: {why}: make it in the volume first") from None


def put_in_place(incoming: Path, volume: Path, subpath: str) -> None:
    """Put a directory in the place of an empty one in a volume, unless somebody else has filled it."""
    parent, name = os.path.split(os.path.normpath(subpath))
    with opened(volume, parent or ".") as directory, suppress(OSError):
        os.rename(incoming, name, dst_dir_fd=directory)


def is_empty(volume: Path, subpath: str) -> bool:
    """Return whether there is an empty directory at a path in a volume. Raises InvalidInput for a path that leads out."""
    try:
        with opened(volume, subpath) as fd:
            return not os.listdir(f"/proc/self/fd/{fd}")  # noqa: PTH208
    except (NotFound, NotADirectoryError):
        return False
