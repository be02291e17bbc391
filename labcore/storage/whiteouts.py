"""Whiteouts and opaque directories: how layers hide what lower ones have (filesystems/overlayfs.rst; image-spec, layer.md).

In an archive both are empty files with names that begin with `.wh.`; in an overlay's layer a whiteout is the character device
0/0, and an opaque directory has an extended attribute.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Final

WHITEOUT_PREFIX: Final = ".wh."
OPAQUE_WHITEOUT: Final = ".wh..wh..opq"
XATTR_NAMESPACES: Final = ("trusted", "user")  # the machine's root writes the first, root of a user namespace the second


def is_whiteout(status: os.stat_result) -> bool:
    """Is a file of an overlay's layer a whiteout?"""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(path: Path | str) -> bool:
    """Is a directory of an overlay's layer opaque?"""
    for space in XATTR_NAMESPACES:
        with suppress(OSError):
            if os.getxattr(path, f"{space}.overlay.opaque", follow_symlinks=False) == b"y":
                return True
    return False


def set_opaque(parent: int, base: bytes) -> None:
    """Make a directory opaque, for overlays on the machine and in user namespaces.

    Overlays in user namespaces read user.* attributes (option `userxattr`); trusted.* ones cannot be read or written there.
    """
    for space in XATTR_NAMESPACES:
        with suppress(PermissionError):
            where = b"/proc/self/fd/%d/%s" % (parent, base)
            os.setxattr(where, f"{space}.overlay.opaque", b"y", follow_symlinks=False)


def visible(storage: Path, ids: Sequence[str]) -> list[str]:
    """Return the layers of a stack, given from the lowest up, that no layer above hides by an opaque root directory.

    Overlayfs itself ignores the attribute on a layer's root.
    """
    opaque = (number for number in range(len(ids) - 1, 0, -1) if is_opaque(f"{storage}/layers/{ids[number]}"))
    return list(ids[next(opaque, 0) :])
