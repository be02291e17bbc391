"""Copies of parts of the mount tree, handed over by the starter: open_tree(2), in its own mount namespace or another."""

from __future__ import annotations

import os

from labcore.native import (
    AT_FDCWD,
    CloneFlag,
    MountAttribute,
    MountFlag,
    Resolve,
    TreeFlag,
    mount_setattr,
    open_tree,
    openat2,
    perform,
    setns,
    unshare,
)
from labcore.native.own_thread import in_own_thread
from labcore.record import Record
from labcore.runtime.ops.mounts import BELOW, TOP, attribute_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from labcore.native import Process
    from labcore.runtime.mount_flags import Options

DESCRIPTORS: Final = "/proc/self/fd/"
CLONE_FS: Final = CloneFlag(0x200)  # linux/sched.h


def donor(source: str) -> tuple[str, str] | None:
    """Return in which process's mount namespace a source lies, /proc/PID/root/PATH, and the path there; None: the starter's."""
    match source.split("/", 4):
        case "", "proc", pid, "root", path if pid.isdecimal():
            return pid, f"/{path}"
    return None


def of_the_starter(source: str) -> bool:
    """Return whether a path means something for the starter alone: its descriptor, or what is in another mount namespace."""
    return source.startswith(DESCRIPTORS) or donor(source) is not None


class Tree(Record):
    """A part of the mount tree that is to be handed over, and whether its owners are mapped."""

    path: str
    options: Options
    mapped: bool


def copied_trees(process: Process, wanted: Sequence[Tree]) -> list[int]:
    """Return copies of parts of the mount tree, to be attached by a process of another user namespace: open_tree(2).

    What is allowed and forbidden on them is set here, for over there it cannot be said any more. Owners are mapped into the
    process's user namespace by mount_setattr(2), IDMAP: what belongs to root there belongs to the container's root, and nothing
    on disk changes, so that layers can be shared with containers of other maps; Linux 5.19 for the layers of an overlay.
    Raises SystemCallError.
    """
    trees: list[int] = []
    namespace = os.open(f"/proc/{process.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    try:
        for path, options, owners in map(Tree.values, wanted):
            below = TreeFlag.RECURSIVE if options.recursive and not owners else TreeFlag(0)
            trees.append(tree := _copy(path, TreeFlag.CLONE | below))
            for step in attribute_steps(tree, options.set, options.clear, options.set_below, options.clear_below):
                perform(step)
            if owners:
                mount_setattr(tree, "", TOP, set=MountAttribute.IDMAP, userns_fd=namespace)
            first = options.propagation[0] if options.propagation else MountFlag.PRIVATE | MountFlag.REC
            mount_setattr(tree, "", BELOW if first & MountFlag.REC else TOP, propagation=first & ~MountFlag.REC)
    except BaseException:
        for tree in trees:
            os.close(tree)
        raise
    finally:
        os.close(namespace)
    return trees


def _copy(path: str, flags: TreeFlag) -> int:
    """Return a copy of the mounts at a path: of another mount namespace it can be made from within alone."""
    found = donor(path)
    if not found:
        return open_tree(AT_FDCWD, path, flags)
    pid, inside = found
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return in_own_thread(lambda: _copy_inside(namespace, inside, flags))
    finally:
        os.close(namespace)


def _copy_inside(namespace: int, path: str, flags: TreeFlag) -> int:
    """Join a mount namespace for good, with a root and a working directory of one's own; no link in there is followed."""
    unshare(CLONE_FS)
    setns(namespace, CloneFlag.NEWNS)
    place = openat2(AT_FDCWD, path, os.O_PATH | os.O_CLOEXEC, resolve=Resolve.NO_SYMLINKS)
    try:
        return open_tree(place, "", flags | TreeFlag.EMPTY_PATH)
    finally:
        os.close(place)
