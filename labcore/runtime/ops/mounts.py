"""Ops on the mount tree."""

from __future__ import annotations

import errno
import os
from functools import cached_property

from labcore import native
from labcore.native import (
    CloneFlag,
    MountAttribute,
    MountFlag,
    Register,
    TreeFlag,
    UnmountFlag,
)
from labcore.native.flags import describe
from labcore.native.step import errors
from labcore.runtime.ops.base import SCRATCH, Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from labcore.native import Step

LOCKED = errors(errno.EINVAL)


class Mount(Op):
    """Attach a file system or change a mount: mount(2)."""

    source: str
    target: str
    fstype: str | None = None
    flags: MountFlag = MountFlag(0)
    data: str | None = None
    name: ClassVar[str] = "mount"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    @cached_property
    def detail(self) -> str:
        options = describe(self.flags).lower().replace("|", " ") if self.flags else ""
        return " ".join(part for part in (f"{self.source} on {self.target}", options, self.data or "") if part)

    @property
    def options(self) -> dict[str, str]:
        """The options in `data`, by name."""
        return dict(part.partition("=")[::2] for part in (self.data or "").split(","))

    def calls(self) -> Sequence[Step]:
        return [native.mount.step(self.source, self.target, self.fstype, self.flags, self.data)]


class SetMountAttributes(Op):
    """Forbid something on a mount, and on all below it unless not `recursive`: mount_setattr(2), Linux 5.12."""

    path: str
    attributes: MountAttribute
    recursive: bool = True
    name: ClassVar[str] = "mount_setattr"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    @cached_property
    def detail(self) -> str:
        below = " rec" if self.recursive else ""
        return f"{self.path}{below} {describe(self.attributes).lower().replace('|', ' ')}"

    def calls(self) -> Sequence[Step]:
        how = TreeFlag.RECURSIVE if self.recursive else TreeFlag(0)
        return [native.mount_setattr.step(native.AT_FDCWD, self.path, how, set=self.attributes)]


class Unmount(Op):
    """Detach a file system: umount2(2). One that came from a more privileged mount namespace cannot be: mount_namespaces(7)."""

    target: str
    flags: UnmountFlag = UnmountFlag(0)
    locked_is_fine: bool = False
    name: ClassVar[str] = "umount2"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    @cached_property
    def detail(self) -> str:
        return f"{self.target} {describe(self.flags).lower() if self.flags else ''}".rstrip()

    def calls(self) -> Sequence[Step]:
        step = native.umount2.step(self.target, self.flags)
        return [step.replace(tolerate=LOCKED) if self.locked_is_fine else step]


class PivotRoot(Op):
    """Make `new_root` the root and stack the old root on `put_old`: pivot_root(2)."""

    new_root: str = "."
    put_old: str = "."
    name: ClassVar[str] = "pivot_root"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    def calls(self) -> Sequence[Step]:
        return [native.pivot_root.step(self.new_root, self.put_old)]


TOP, BELOW = TreeFlag.EMPTY_PATH, TreeFlag.EMPTY_PATH | TreeFlag.RECURSIVE


def attribute_steps(
    tree: int | Register, top: MountAttribute, clear: MountAttribute, below: MountAttribute, clear_below: MountAttribute
) -> list[Step]:
    """Return the steps that set and clear attributes of a whole mount tree, and then of its top alone: mount_setattr(2)."""
    steps = []
    if below or clear_below:
        steps.append(native.mount_setattr.step(tree, "", BELOW, set=below, clear=clear_below))
    if top or clear:
        steps.append(native.mount_setattr.step(tree, "", TOP, set=top, clear=clear))
    return steps


HOSTS = 66  # the register with the starter's mount namespace: no other op has it


class UnshareMountNamespace(Op):
    """Take a mount namespace of one's own for a while, and keep the starter's in hand: unshare(2)."""

    name: ClassVar[str] = "unshare mounts"

    def calls(self) -> Sequence[Step]:
        starters = native.openat.step(native.AT_FDCWD, "/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        return [starters.replace(result=HOSTS), native.unshare.step(CloneFlag.NEWNS)]


class RejoinMountNamespace(Op):
    """Go back to the starter's mount namespace, with the root that was made as the root: open_tree(2), setns(2), chroot(2).

    The root is a copy that is mounted nowhere, so that nothing appears on the host; it is gone with the last process in it. A
    change of root is no wall: whoever has CAP_SYS_CHROOT gets out of it.
    """

    name: ClassVar[str] = "rejoin mounts"
    returns: ClassVar[CloneFlag] = CloneFlag.NEWNS

    def calls(self) -> Sequence[Step]:
        copy = native.open_tree.step(native.AT_FDCWD, "/", TreeFlag.CLONE | TreeFlag.RECURSIVE)
        return [
            copy.replace(result=SCRATCH.number),
            native.setns.step(Register(HOSTS), CloneFlag.NEWNS),
            native.fchdir.step(SCRATCH),
            native.chroot.step("."),
            native.close.step(SCRATCH),
            native.close.step(Register(HOSTS)),
        ]


class EnterRoot(Op):
    """Make another process's root this one's, where both are in one mount namespace: chroot(2)."""

    pid: int
    name: ClassVar[str] = "enter root"

    def calls(self) -> Sequence[Step]:
        root = native.openat.step(native.AT_FDCWD, f"/proc/{self.pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return [
            root.replace(result=SCRATCH.number),
            native.fchdir.step(SCRATCH),
            native.chroot.step("."),
            native.close.step(SCRATCH),
        ]
