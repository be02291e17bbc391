"""Copies of parts of the mount tree, handed over by the starter: open_tree(2), in its own mount namespace or another."""

from __future__ import annotations

import errno
import os

from labcore.errors import InvalidInput, SystemCallError
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
from labcore.runtime.mount_flags import is_mapped, parse_options
from labcore.runtime.ops.mounts import BELOW, TOP, attribute_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from labcore.native import Process
    from labcore.runtime.mount_flags import Options
    from labcore.spec import IdRange, MountPoint

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
    """A part of the mount tree that is to be handed over; `mapped`: its owners are, by its own maps or else the container's."""

    path: str
    options: Options
    mapped: bool
    uid_map: tuple[IdRange, ...] = ()
    gid_map: tuple[IdRange, ...] = ()

    @classmethod
    def of(cls, mount: MountPoint) -> Tree:
        """Return what a mount is made of."""
        return cls(mount.source, parse_options(mount.options), is_mapped(mount), mount.uid_map, mount.gid_map)


def copied_trees(process: Process, wanted: Sequence[Tree]) -> list[int]:
    """Return copies of parts of the mount tree, to be attached by a process of another user namespace: open_tree(2).

    What is allowed and forbidden on them is set here, for over there it cannot be said any more. Raises SystemCallError,
    InvalidInput.
    """
    trees: list[int] = []
    try:
        for each in wanted:
            options = each.options
            below = TreeFlag.RECURSIVE if options.recursive else TreeFlag(0)
            trees.append(tree := _copy(each.path, TreeFlag.CLONE | below))
            for step in attribute_steps(tree, options.set, options.clear, options.set_below, options.clear_below):
                perform(step)
            if each.mapped:
                _map_owners(tree, each, process)
            first = options.propagation[0] if options.propagation else MountFlag.PRIVATE | MountFlag.REC
            mount_setattr(tree, "", BELOW if first & MountFlag.REC else TOP, propagation=first & ~MountFlag.REC)
    except BaseException:
        for tree in trees:
            os.close(tree)
        raise
    return trees


def _map_owners(copy: int, tree: Tree, process: Process) -> None:
    """Map the owners of a copy by mount_setattr(2), IDMAP: through a user namespace, the process's or one with maps of its own.

    Through the process's, what belongs to root on the disk belongs to the container's root, and nothing there changes, so that
    layers can be shared with containers of other maps; Linux 5.19 for the layers of an overlay.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC
    namespace = _made_for(tree) if tree.uid_map else os.open(f"/proc/{process.pid}/ns/user", flags)
    try:
        mount_setattr(copy, "", BELOW if tree.options.mapped_below else TOP, set=MountAttribute.IDMAP, userns_fd=namespace)
    except SystemCallError as error:
        if error.errno != errno.EINVAL:
            raise
        raise InvalidInput(f"mounts: {tree.path}: its file system maps no owners: mount it without idmap") from None
    finally:
        os.close(namespace)


def _made_for(tree: Tree) -> int:
    """Return a user namespace with the maps of a tree: that of a process that ends as soon as it has them."""
    from labcore.runtime import ops
    from labcore.runtime.plan import Plan
    from labcore.runtime.start import spawn
    from labcore.runtime.userns import write_id_maps

    kept: list[int] = []

    def keep(process: Process) -> None:
        write_id_maps(process.pid, tree.uid_map, tree.gid_map, f"mounts: {tree.path}: ")
        kept.append(os.open(f"/proc/{process.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC))

    with spawn(Plan([ops.Clone(CloneFlag.NEWUSER), ops.Sync("maps ids", keep)])) as process:
        process.wait()
    return kept[0]


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
