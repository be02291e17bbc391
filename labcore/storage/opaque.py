"""Opaque directories: they hide what lower layers have in them (filesystems/overlayfs.rst; image-spec, layer.md)."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

SPACES: Final = ("trusted", "user")  # of attributes: the machine's root writes the first, root of a user namespace the second


def is_opaque(path: Path | str) -> bool:
    """Return whether a directory of a layer hides what lower layers have in it."""
    for space in SPACES:
        with suppress(OSError):
            if os.getxattr(path, f"{space}.overlay.opaque", follow_symlinks=False) == b"y":
                return True
    return False


def set_opaque(parent: int, base: bytes) -> None:
    """Mark a directory as hiding what lower layers have in it, for overlays on the machine and in user namespaces.

    Those read user.* attributes (option `userxattr`), for trusted.* are not for them to read; nor, in one, for us to write.
    """
    for space in SPACES:
        with suppress(PermissionError):
            where = b"/proc/self/fd/%d/%s" % (parent, base)
            os.setxattr(where, f"{space}.overlay.opaque", b"y", follow_symlinks=False)


def visible(storage: Path, ids: Sequence[str]) -> list[str]:
    """Return the part of a stack, given from the lowest up, that is not hidden by a layer whose root directory is opaque.

    Overlayfs heeds the mark in all directories but that one.
    """
    opaque = (number for number in range(len(ids) - 1, 0, -1) if is_opaque(f"{storage}/layers/{ids[number]}"))
    return list(ids[next(opaque, 0) :])
