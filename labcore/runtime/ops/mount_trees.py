"""Ops on mount trees in hand: taken, made and attached by descriptor, open_tree(2), fsmount(2), move_mount(2)."""

from __future__ import annotations

import os
from functools import cached_property

from labcore import native
from labcore.native import CloneFlag, ConfigCommand, MountAttribute, MountFlag, MoveFlag, Register, Resolve, TreeFlag
from labcore.native.flags import describe
from labcore.runtime.ops.base import SCRATCH, Op
from labcore.runtime.ops.mounts import BELOW, TOP, attribute_steps
from labcore.runtime.probe import kernel_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from labcore.native import Step

COPIES_DETACHED = (6, 15)  # from this kernel on a tree that is attached nowhere can be copied
FRESH, PLACE = 62, 60  # registers that no tree is taken into, and that hold nothing for long


class MoveReceivedMount(Op):
    """Attach a mount tree that the starter has handed over as a descriptor: move_mount(2); `follow` as for MoveMount."""

    descriptor: int
    target: str
    follow: bool = False
    name: ClassVar[str] = "move_mount"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    @cached_property
    def detail(self) -> str:
        return f"received {self.descriptor} on {self.target}"

    def calls(self) -> Sequence[Step]:
        return [*_move(self.descriptor, self.target, follow=self.follow), native.close.step(self.descriptor)]


def _move(tree: int | Register, target: str, *, follow: bool) -> list[Step]:
    """Return the steps that attach a tree. Where links are followed, /proc's magic ones are not: they lead to descriptors."""
    if not follow:
        return [native.move_mount.step(tree, "", native.AT_FDCWD, target, MoveFlag.F_EMPTY_PATH)]
    place = Register(PLACE)
    flags = os.O_PATH | os.O_CLOEXEC
    look = native.openat2.step(native.AT_FDCWD, target, flags, resolve=Resolve.NO_MAGICLINKS)
    move = native.move_mount.step(tree, "", place, "", MoveFlag.F_EMPTY_PATH | MoveFlag.T_EMPTY_PATH)
    return [look.replace(result=PLACE), move, native.close.step(place)]


class OpenTree(Op):
    """Take a copy of a part of the mount tree in hand, to be attached elsewhere: open_tree(2).

    It is kept in a register of the walker: what it was is found by no path any more once the root has been turned.
    """

    path: str
    register: int
    recursive: bool = False
    name: ClassVar[str] = "open_tree"

    @cached_property
    def detail(self) -> str:
        return f"{self.path}{' rec' if self.recursive else ''} → r{self.register}"

    def calls(self) -> Sequence[Step]:
        flags = TreeFlag.CLONE | (TreeFlag.RECURSIVE if self.recursive else TreeFlag(0))
        return [native.open_tree.step(native.AT_FDCWD, self.path, flags).replace(result=self.register)]


class PivotBack(Op):
    """Make a tree in hand the root again, with the root of now on one of its directories: move_mount(2), pivot_root(2)."""

    register: int
    directory: str
    name: ClassVar[str] = "pivot_root"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    @cached_property
    def detail(self) -> str:
        return f"r{self.register} {self.directory}"

    def calls(self) -> Sequence[Step]:
        tree = Register(self.register)
        return [
            native.move_mount.step(tree, "", native.AT_FDCWD, "/", MoveFlag.F_EMPTY_PATH),
            native.fchdir.step(tree),
            native.pivot_root.step(".", self.directory.lstrip("/")),
            native.close.step(tree),
        ]


class FsMount(Op):
    """Take a new file system in hand, to be attached later: fsopen(2), fsconfig(2), fsmount(2).

    `options` are its own, such as `hidepid=2`.
    """

    fstype: str
    register: int
    options: tuple[str, ...] = ()
    name: ClassVar[str] = "fsmount"

    @cached_property
    def detail(self) -> str:
        return " ".join([self.fstype, *self.options, f"→ r{self.register}"])

    def calls(self) -> Sequence[Step]:
        words = [option.partition("=") for option in self.options]
        settings = [
            native.fsconfig.step(SCRATCH, ConfigCommand.SET_STRING if equals else ConfigCommand.SET_FLAG, key, value or None)
            for key, equals, value in words
        ]
        return [
            native.fsopen.step(self.fstype).replace(result=SCRATCH.number),
            *settings,
            native.fsconfig.step(SCRATCH, ConfigCommand.CREATE),
            native.fsmount.step(SCRATCH).replace(result=self.register),
            native.close.step(SCRATCH),
        ]


class MoveMount(Op):
    """Attach a mount tree that was taken in hand, and let go of it: move_mount(2), with attributes set by mount_setattr(2).

    The attributes hold for its top, those of `below` for all mounts of it. With `follow` the target may be a link, as mount(2)
    takes it. With `fresh` it is a copy, made now, that is attached: /proc/self/mountinfo lists mounts by age. To dissolve the
    first one takes the kernel longer than all the rest.
    """

    register: int
    target: str
    set: MountAttribute = MountAttribute(0)
    clear: MountAttribute = MountAttribute(0)
    set_below: MountAttribute = MountAttribute(0)
    clear_below: MountAttribute = MountAttribute(0)
    propagation: MountFlag = MountFlag(0)
    recursive_propagation: bool = False
    follow: bool = False
    fresh: bool = False
    name: ClassVar[str] = "move_mount"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    @cached_property
    def detail(self) -> str:
        words = [describe(value).lower() for value in (self.set | self.set_below, self.propagation) if value]
        return " ".join([f"r{self.register} on {self.target}", *words])

    def calls(self) -> Sequence[Step]:
        tree = Register(self.register)
        steps = attribute_steps(tree, self.set, self.clear, self.set_below, self.clear_below)
        if self.fresh and kernel_version() >= COPIES_DETACHED:
            steps.append(native.open_tree.step(tree, "", BELOW | TreeFlag.CLONE).replace(result=FRESH))
            steps.append(native.close.step(tree))
            tree = Register(FRESH)
        if self.propagation:
            how = BELOW if self.recursive_propagation else TOP
            steps.append(native.mount_setattr.step(tree, "", how, propagation=self.propagation))
        return [*steps, *_move(tree, self.target, follow=self.follow), native.close.step(tree)]
