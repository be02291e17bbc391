"""Ops on files, directories and descriptors."""

import errno
import os
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

from labcore import native
from labcore.native import CloseFlag, Register, Step
from labcore.native.spawn import PRESERVED_DESCRIPTOR
from labcore.native.step import errors
from labcore.runtime.ops.base import Op

EXISTS_IS_FINE = errors(errno.EEXIST)


class Chdir(Op):
    """Change the working directory: chdir(2)."""

    path: str
    name: ClassVar[str] = "chdir"

    def calls(self) -> Sequence[Step]:
        return [native.chdir.step(self.path)]


class MakeDirectories(Op):
    """Make directories, each under its parent in the list; one that is there already is fine: mkdir(2)."""

    paths: tuple[str, ...]
    mode: int = 0o755
    name: ClassVar[str] = "mkdir"

    @cached_property
    def detail(self) -> str:
        return " ".join(self.paths)

    def calls(self) -> Sequence[Step]:
        make = (native.mkdirat.step(native.AT_FDCWD, path, self.mode) for path in self.paths)
        return [step.replace(tolerate=EXISTS_IS_FINE) for step in make]


class MakeDevices(Op):
    """Make character devices that everyone may use, each a path with its major and minor number: mknod(2)."""

    devices: tuple[tuple[str, int, int], ...]
    name: ClassVar[str] = "mknod"

    @cached_property
    def detail(self) -> str:
        return " ".join(f"{path} {major}:{minor}" for path, major, minor in self.devices)

    def calls(self) -> Sequence[Step]:
        character_device = 0o020666
        made = (
            native.mknodat.step(native.AT_FDCWD, path, character_device, os.makedev(major, minor))
            for path, major, minor in self.devices
        )
        return [step.replace(tolerate=EXISTS_IS_FINE) for step in made]


class MakeLinks(Op):
    """Make symbolic links, each a path with what it points to: symlink(2)."""

    links: tuple[tuple[str, str], ...]
    name: ClassVar[str] = "symlink"

    @cached_property
    def detail(self) -> str:
        return " ".join(f"{path}→{target}" for path, target in self.links)

    def calls(self) -> Sequence[Step]:
        made = (native.symlinkat.step(target, native.AT_FDCWD, path) for path, target in self.links)
        return [step.replace(tolerate=EXISTS_IS_FINE) for step in made]  # an image may bring its own


class WriteFile(Op):
    """Write a text into a file that exists, as into those of /proc and /sys."""

    path: str
    text: str
    name: ClassVar[str] = "write"

    @cached_property
    def detail(self) -> str:
        return f"{self.text!r} to {self.path}"

    def calls(self) -> Sequence[Step]:
        return [
            native.openat.step(native.AT_FDCWD, self.path, os.O_WRONLY | os.O_CLOEXEC).replace(result=0),
            native.write.step(Register(0), self.text.encode()),
            native.close.step(Register(0)),
        ]


class CloseDescriptors(Op):
    """Close every descriptor above 3, the carrier's own: close_range(2).

    What the starter has open must be out of reach before a path is followed that somebody else has named: `/proc/self/fd/7` as
    a working directory would lead out of the container.
    """

    first: int = 4
    preserved: int = 0  # this many, from PRESERVED_DESCRIPTOR on, stay open
    name: ClassVar[str] = "close_range"

    @cached_property
    def detail(self) -> str:
        return f"{self.first}…"

    def calls(self) -> Sequence[Step]:
        if not self.preserved:
            return [native.close_range.step(self.first)]
        return [
            native.close_range.step(self.first, PRESERVED_DESCRIPTOR - 1),
            native.close_range.step(PRESERVED_DESCRIPTOR + self.preserved),
        ]


class HandOn(Op):
    """Bring the descriptors that the program is to find open to their places, 3 and up: dup3(2), sd_listen_fds(3)."""

    count: int
    name: ClassVar[str] = "hand on"

    @cached_property
    def detail(self) -> str:
        return f"3…{2 + self.count}"

    def calls(self) -> Sequence[Step]:
        aside = PRESERVED_DESCRIPTOR - 1
        brought = [native.dup3.step(PRESERVED_DESCRIPTOR + number, 3 + number) for number in range(self.count)]
        # 3 is the carrier's, and its closing would mean that the program has begun.
        return [
            native.dup3.step(3, aside, os.O_CLOEXEC),
            *brought,
            native.close_range.step(3 + self.count, flags=CloseFlag.CLOEXEC),
        ]


class MakeFiles(Op):
    """Make empty files, to mount something on; one that is there already is left as it is: open(2), O_CREAT."""

    paths: tuple[str, ...]
    name: ClassVar[str] = "touch"

    @cached_property
    def detail(self) -> str:
        return " ".join(self.paths)

    def calls(self) -> Sequence[Step]:
        steps: list[Step] = []
        for path in self.paths:  # not written to: it may be a link, or what a FIFO's other end waits for
            make = native.mknodat.step(native.AT_FDCWD, path, 0o100644, 0)
            steps.append(make.replace(tolerate=EXISTS_IS_FINE))
        return steps


class MakeNode(Op):
    """Make one device node or FIFO, with owner and permissions, in the place of whatever is there: mknod(2)."""

    path: str
    mode: int
    device: int
    uid: int = 0
    gid: int = 0
    name: ClassVar[str] = "mknod"

    @cached_property
    def detail(self) -> str:
        number = f"{os.major(self.device)}:{os.minor(self.device)}"
        return f"{self.path} {number} mode {self.mode & 0o7777:o} owner {self.uid}:{self.gid}"

    def calls(self) -> Sequence[Step]:
        make = native.mknodat.step(native.AT_FDCWD, self.path, self.mode, self.device)
        return [
            make.replace(tolerate=EXISTS_IS_FINE),
            native.fchmodat.step(native.AT_FDCWD, self.path, self.mode & 0o7777),
            native.fchownat.step(native.AT_FDCWD, self.path, self.uid, self.gid),
        ]


class OpenGate(Op):
    """Open a FIFO for both directions, which waits for nobody, and keep it in a register: fifo(7)."""

    path: str
    register: int
    name: ClassVar[str] = "open gate"

    def calls(self) -> Sequence[Step]:
        flags = os.O_RDWR | os.O_CLOEXEC
        return [native.openat.step(native.AT_FDCWD, self.path, flags).replace(result=self.register)]


class WaitAtGate(Op):
    """Wait until somebody writes a byte into the FIFO that was opened: read(2)."""

    register: int
    name: ClassVar[str] = "wait"

    @cached_property
    def detail(self) -> str:
        return "for `start`"

    def calls(self) -> Sequence[Step]:
        gate = Register(self.register)
        return [native.read.step(gate, bytearray(1)).replace(zero_fails=True), native.close.step(gate)]
