"""Detached mount trees: a root file system with bind mounts on it, to look at what a stopped container would see.

Like a detached overlay (`labcore.storage.overlay`), such a tree has no path, no other process sees it, and it is gone with its
last descriptor. It is put together in a mount namespace that ends with the thread that made it: unshare(2), move_mount(2).
"""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack, contextmanager

from labcore.errors import InvalidInput
from labcore.native import (
    AT_FDCWD,
    CloneFlag,
    MountAttribute,
    MountFlag,
    MoveFlag,
    Resolve,
    TreeFlag,
    mount,
    mount_setattr,
    move_mount,
    open_tree,
    openat2,
    unshare,
)
from labcore.spec import OverlayRoot
from labcore.storage import overlay
from labcore.storage.beneath import ParentDirectories
from labcore.storage.overlay import RESTRICTED
from labcore.tar import BadArchive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from labcore.spec import MountPoint, Root

WHOLE: Final = TreeFlag.EMPTY_PATH | TreeFlag.RECURSIVE
FROM_HAND: Final = MoveFlag.F_EMPTY_PATH
INSIDE: Final = Resolve.IN_ROOT | Resolve.NO_MAGICLINKS


@contextmanager
def mounted(root: Root, mounts: Sequence[MountPoint], *, read_only: bool) -> Iterator[int]:
    """Yield a descriptor of a root's tree with bind mounts on it; `read_only` is the root's own file system.

    Mount points that are missing are made, as a start makes them. The root must be mounted nowhere else.
    Raises InvalidInput for a mount that cannot be; SystemCallError.
    """
    from concurrent.futures import ThreadPoolExecutor  # few containers are looked at while they are stopped

    with ExitStack() as undo:
        top = undo.enter_context(overlay.merged(root, writable=True)) if isinstance(root, OverlayRoot) else None
        with ThreadPoolExecutor(1) as thread:
            tree = thread.submit(_assembled, root.directory, top, mounts, read_only=read_only).result()
        undo.callback(os.close, tree)
        yield tree


def _assembled(place: str, top: int | None, mounts: Sequence[MountPoint], *, read_only: bool) -> int:
    """Return a tree made of the detached mount `top`, or a copy of `place`, and mounts on it: in a thread of its own."""
    with ExitStack() as undo:

        def taken(path: str) -> int:
            fd = open_tree(AT_FDCWD, path, TreeFlag.CLONE | TreeFlag.RECURSIVE)
            undo.callback(os.close, fd)
            mount_setattr(fd, "", WHOLE, propagation=MountFlag.PRIVATE)
            return fd

        sources = [(taken(each.source), each) for each in mounts]  # a descriptor of ours is found in our mount namespace alone
        unshare(CloneFlag.NEWNS)
        mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
        if top is None:
            top = taken(place)
        move_mount(top, "", AT_FDCWD, place, FROM_HAND)
        for source, each in sources:
            _attach(top, source, each)
        if read_only:
            mount_setattr(top, "", TreeFlag.EMPTY_PATH, set=MountAttribute.RDONLY)
        return open_tree(top, "", WHOLE | TreeFlag.CLONE)


def _attach(top: int, source: int, mount_point: MountPoint) -> None:
    """Attach a detached tree at its mount point. Raises InvalidInput."""
    attributes = RESTRICTED | (MountAttribute.RDONLY if "ro" in mount_point.options else MountAttribute(0))
    mount_setattr(source, "", WHOLE, set=attributes)
    try:
        _make_mount_point(top, os.fsencode(mount_point.target), stat.S_ISDIR(os.fstat(source).st_mode))
        target = openat2(top, mount_point.target.lstrip("/"), os.O_PATH | os.O_CLOEXEC, resolve=INSIDE)
        try:
            move_mount(source, "", target, "", FROM_HAND | MoveFlag.T_EMPTY_PATH)
        finally:
            os.close(target)
    except (OSError, BadArchive) as error:
        raise InvalidInput(f"{mount_point.source} cannot be mounted on {mount_point.target}: {error}") from None


def _make_mount_point(top: int, path: bytes, is_directory: bool) -> None:
    parents = ParentDirectories(top)
    try:
        if is_directory:
            parents.resolve(path + b"/.made")  # the parent directory of whatever is in it
            return
        parent, name = parents.resolve(path)
        try:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o755, dir_fd=parent))
        except FileExistsError:
            return
    finally:
        parents.close()
