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
A_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
A_COPY = TreeFlag.EMPTY_PATH | TreeFlag.CLONE
NONE_YET = errors(errno.EBADF)  # what is in a register that holds nothing
COPY, PLACE, DIRECTORY, EMPTY = 61, 60, 65, 67  # registers that no tree is taken into, and that hold nothing for long


class MaskPaths(Op):
    """Cover files with /dev/null and directories with one empty, read-only tmpfs; what this kernel lacks is passed over."""

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
        let_go = native.close.step(Register(EMPTY)).replace(when=EMPTY)
        return [look.replace(result=SCRATCH.number), *steps, native.close.step(SCRATCH), let_go]

    @staticmethod
    def _cover(path: str) -> list[Step]:
        """Return the steps that cover what is there; nothing is made for what is not, for to dissolve a mount takes long."""
        place, directory = Register(PLACE), Register(DIRECTORY)
        is_there = native.openat2.step(native.AT_FDCWD, path, os.O_PATH | os.O_CLOEXEC, resolve=Resolve.NO_MAGICLINKS)
        is_directory = native.openat2.step(place, ".", A_DIRECTORY, resolve=Resolve.NO_MAGICLINKS)
        copied = native.open_tree.step(SCRATCH, "", A_COPY).replace(result=COPY, when=PLACE, unless=DIRECTORY)
        return [
            is_there.replace(result=PLACE, tolerate=ABSENT_OR_BELOW_A_FILE),
            is_directory.replace(result=DIRECTORY, tolerate=A_FILE, when=PLACE),
            copied,
            *(step.replace(when=PLACE, unless=DIRECTORY) for step in _attached()),
            *_emptied(path),
            native.close.step(directory).replace(when=DIRECTORY),
            native.close.step(place).replace(when=PLACE),
        ]


def _attached() -> list[Step]:
    """Return the steps that attach a copy on the place."""
    copy, place = Register(COPY), Register(PLACE)
    move = native.move_mount.step(copy, "", place, "", MoveFlag.F_EMPTY_PATH | MoveFlag.T_EMPTY_PATH)
    return [move, native.close.step(copy)]


def _emptied(path: str) -> list[Step]:
    """Return the steps that cover a directory: the first one with a new file system, the others with copies of that mount."""
    read_only = MountFlag.RDONLY | MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC
    copied = native.open_tree.step(Register(EMPTY), "", A_COPY).replace(result=COPY, tolerate=NONE_YET, when=DIRECTORY)
    mounted = native.mount.step("tmpfs", path, "tmpfs", read_only, "size=0")
    held = native.openat2.step(native.AT_FDCWD, path, A_DIRECTORY, resolve=Resolve.NO_MAGICLINKS).replace(result=EMPTY)
    return [
        copied,
        *(step.replace(when=COPY) for step in _attached()),
        *(step.replace(when=DIRECTORY, unless=EMPTY) for step in (mounted, held)),
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
