"""Ops that cover or write-protect parts of the tree: config-linux.md, masked paths and read-only paths."""

from __future__ import annotations

import errno
import os
from functools import cached_property

from labcore import native
from labcore.native import CloneFlag, MountAttribute, MountFlag, MoveFlag, Register, Resolve, TreeFlag
from labcore.native.step import errors
from labcore.runtime.ops.base import SCRATCH, Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from labcore.native import Step

ABSENT = errors(errno.ENOENT)
ABSENT_OR_BELOW_A_FILE = errors(errno.ENOENT, errno.ENOTDIR)
A_FILE = errors(errno.ENOTDIR)
COPY, PLACE, DIRECTORY = 61, 60, 65  # registers that no tree is taken into, and that hold nothing for long


class MaskPaths(Op):
    """Cover files with /dev/null and directories with an empty, read-only tmpfs; what this kernel lacks is passed over."""

    paths: tuple[str, ...]
    name: ClassVar[str] = "mask"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    @cached_property
    def detail(self) -> str:
        return " ".join(self.paths)

    def calls(self) -> Sequence[Step]:
        # A link in its place would cover nothing, and show what it points to under another name. It is held from then on.
        look = native.openat2.step(native.AT_FDCWD, "/dev/null", os.O_PATH | os.O_CLOEXEC, resolve=Resolve.NO_SYMLINKS)
        steps = [step for path in self.paths for step in self._cover(path)]
        return [look.replace(result=SCRATCH.number), *steps, native.close.step(SCRATCH)]

    @staticmethod
    def _cover(path: str) -> list[Step]:
        """Return the steps that cover what is there; nothing is made for what is not, for to dissolve a mount takes long."""
        place, directory, copy = Register(PLACE), Register(DIRECTORY), Register(COPY)
        read_only = MountFlag.RDONLY | MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC
        is_there = native.openat2.step(native.AT_FDCWD, path, os.O_PATH | os.O_CLOEXEC, resolve=Resolve.NO_MAGICLINKS)
        flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
        is_directory = native.openat2.step(place, ".", flags, resolve=Resolve.NO_MAGICLINKS)
        as_file = [
            native.open_tree.step(SCRATCH, "", TreeFlag.EMPTY_PATH | TreeFlag.CLONE).replace(result=COPY),
            native.move_mount.step(copy, "", place, "", MoveFlag.F_EMPTY_PATH | MoveFlag.T_EMPTY_PATH),
            native.close.step(copy),
        ]
        as_directory = [native.mount.step("tmpfs", path, "tmpfs", read_only, "size=0"), native.close.step(directory)]
        return [
            is_there.replace(result=PLACE, tolerate=ABSENT_OR_BELOW_A_FILE),
            is_directory.replace(result=DIRECTORY, tolerate=A_FILE, when=PLACE),
            *(step.replace(when=PLACE, unless=DIRECTORY) for step in as_file),
            *(step.replace(when=DIRECTORY) for step in as_directory),
            native.close.step(place).replace(when=PLACE),
        ]


class ReadonlyPaths(Op):
    """Make parts of the tree read-only, each by a mount of itself; what this kernel lacks is passed over."""

    paths: tuple[str, ...]
    name: ClassVar[str] = "read-only"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    @cached_property
    def detail(self) -> str:
        return " ".join(self.paths)

    def calls(self) -> Sequence[Step]:
        return [step for path in self.paths for step in self._protect(path)]

    @staticmethod
    def _protect(path: str) -> list[Step]:
        place, copy = Register(PLACE), Register(COPY)
        look = native.openat2.step(native.AT_FDCWD, path, os.O_PATH | os.O_CLOEXEC, resolve=Resolve.NO_MAGICLINKS)
        whole = TreeFlag.EMPTY_PATH | TreeFlag.CLONE | TreeFlag.RECURSIVE
        protecting = [
            native.open_tree.step(place, "", whole).replace(result=COPY),
            native.mount_setattr.step(copy, "", TreeFlag.EMPTY_PATH, set=MountAttribute.RDONLY),
            native.move_mount.step(copy, "", place, "", MoveFlag.F_EMPTY_PATH | MoveFlag.T_EMPTY_PATH),
            native.close.step(copy),
            native.close.step(place),
        ]
        return [look.replace(result=PLACE, tolerate=ABSENT), *(step.replace(when=PLACE) for step in protecting)]
