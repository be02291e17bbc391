"""Ops on files, directories and descriptors.

What is made is made in a directory that was reached without /proc's magic links: an image's link to `/proc/self/fd/7`, or to
the root of another process, would lead out of the container while there is still the right to go there.
"""

from __future__ import annotations

import errno
import os
from functools import cached_property

from labcore import native
from labcore.native import CloseFlag, Register, Resolve, TreeFlag
from labcore.native.spawn import PRESERVED_DESCRIPTOR
from labcore.native.step import errors
from labcore.runtime.ops.base import SCRATCH, Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import ClassVar

    from labcore.native import Step

EXISTS_IS_FINE = errors(errno.EEXIST)
ABSENT_IS_FINE = errors(errno.ENOENT)
ENTERED = 64  # registers that no other op has. A result in this one says that the working directory has been changed
WAY = 65


def make_each(paths: Iterable[str], make: Callable[[str], Sequence[Step]]) -> list[Step]:
    """Return the steps that make each path in its directory: `make(name)` says how, with the directory in `SCRATCH`."""
    steps: list[Step] = []
    opened = None
    for path in paths:
        directory, name = os.path.split(os.path.normpath(path))
        if directory != opened:
            steps += [native.close.step(SCRATCH)] if opened is not None else []
            flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
            way = native.openat2.step(native.AT_FDCWD, directory or ".", flags, resolve=Resolve.NO_MAGICLINKS)
            steps.append(way.replace(result=SCRATCH.number))
            opened = directory
        steps += make(name)
    return [*steps, native.close.step(SCRATCH)] if steps else []


def reached_without_links(path: str) -> list[Step]:
    """Return the steps that fail, with ELOOP, where a symbolic link lies on the way."""
    look = native.openat2.step(native.AT_FDCWD, path, os.O_PATH | os.O_CLOEXEC, resolve=Resolve.NO_SYMLINKS)
    return [look.replace(result=SCRATCH.number), native.close.step(SCRATCH)]


class Chdir(Op):
    """Change the working directory: chdir(2). With `otherwise` only where a `TryChdir` has not done it."""

    path: str
    otherwise: bool = False
    name: ClassVar[str] = "chdir"

    @cached_property
    def detail(self) -> str:
        return self.path

    def calls(self) -> Sequence[Step]:
        step = native.chdir.step(self.path)
        return [step.replace(unless=ENTERED) if self.otherwise else step]


class TryChdir(Op):
    """Change the working directory if the rights of this moment suffice, which are more than the program's: fchdir(2).

    /proc's magic links, which lead out of the container to whoever has these rights, are not followed.
    """

    path: str
    name: ClassVar[str] = "try chdir"

    def calls(self) -> Sequence[Step]:
        flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
        look = native.openat2.step(native.AT_FDCWD, self.path, flags, resolve=Resolve.NO_MAGICLINKS)
        directory = Register(WAY)
        return [
            look.replace(result=WAY, tolerate=errors(errno.EACCES, errno.EPERM, errno.ELOOP)),
            native.fchdir.step(directory).replace(result=ENTERED, tolerate=errors(errno.EBADF, errno.EACCES, errno.EPERM)),
            native.close.step(directory).replace(tolerate=errors(errno.EBADF)),
        ]


class MakeDirectories(Op):
    """Make directories, each under its parent in the list; one that is there already is fine: mkdir(2).

    With `no_links` a symbolic link on the way to the last of them is a failure.
    """

    paths: tuple[str, ...]
    mode: int = 0o755
    no_links: bool = False
    name: ClassVar[str] = "mkdir"

    @cached_property
    def detail(self) -> str:
        return " ".join(self.paths)

    def calls(self) -> Sequence[Step]:
        def make(name: str) -> list[Step]:
            return [native.mkdirat.step(SCRATCH, name, self.mode).replace(tolerate=EXISTS_IS_FINE)]

        return [*make_each(self.paths, make), *(reached_without_links(self.paths[-1]) if self.no_links else [])]


class SetDirectoryMetadata(Op):
    """Give a directory its owner, permissions and time: chown(2), chmod(2), utimensat(2).

    In a user namespace that has no such owner it stays root's.
    """

    path: str
    mode: int
    uid: int
    gid: int
    time: int
    name: ClassVar[str] = "chown"

    @cached_property
    def detail(self) -> str:
        return f"{self.path} owner {self.uid}:{self.gid} mode {self.mode:o}"

    def calls(self) -> Sequence[Step]:
        def change(name: str) -> list[Step]:
            owner = native.fchownat.step(SCRATCH, name, self.uid, self.gid, TreeFlag.SYMLINK_NOFOLLOW)
            return [
                owner.replace(tolerate=errors(errno.EINVAL)),
                native.fchmodat.step(SCRATCH, name, self.mode),
                native.utimensat.step(SCRATCH, name, self.time, self.time, TreeFlag.SYMLINK_NOFOLLOW),
            ]

        return make_each((self.path,), change)


class MakeDevices(Op):
    """Make character devices that everyone may use, each a path with its major and minor number: mknod(2)."""

    devices: tuple[tuple[str, int, int], ...]
    name: ClassVar[str] = "mknod"

    @cached_property
    def detail(self) -> str:
        return " ".join(f"{path} {major}:{minor}" for path, major, minor in self.devices)

    def calls(self) -> Sequence[Step]:
        character_device = 0o020666
        numbers = iter([os.makedev(major, minor) for _, major, minor in self.devices])

        def make(name: str) -> list[Step]:
            return [native.mknodat.step(SCRATCH, name, character_device, next(numbers)).replace(tolerate=EXISTS_IS_FINE)]

        return make_each((path for path, _, _ in self.devices), make)


class MakeLinks(Op):
    """Make symbolic links, each a path with what it points to: symlink(2)."""

    links: tuple[tuple[str, str], ...]
    name: ClassVar[str] = "symlink"

    @cached_property
    def detail(self) -> str:
        return " ".join(f"{path}→{target}" for path, target in self.links)

    def calls(self) -> Sequence[Step]:
        targets = iter([target for _, target in self.links])

        def make(name: str) -> list[Step]:  # an image may bring its own
            return [native.symlinkat.step(next(targets), SCRATCH, name).replace(tolerate=EXISTS_IS_FINE)]

        return make_each((path for path, _ in self.links), make)


class CloseDescriptors(Op):
    """Close every descriptor above 4: those up to there are the carrier's, for the way to the program. close_range(2).

    What the starter has open must be out of reach before a path is followed that somebody else has named: `/proc/self/fd/7` as
    a working directory would lead out of the container.
    """

    first: int = 5
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


class PreserveFds(Op):
    """Bring the descriptors that the program is to find open to their places, 3 and up: dup3(2), sd_listen_fds(3)."""

    count: int
    name: ClassVar[str] = "preserve fds"

    @cached_property
    def detail(self) -> str:
        return f"3…{2 + self.count}"

    def calls(self) -> Sequence[Step]:
        aside = PRESERVED_DESCRIPTOR + self.count
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
        def make(name: str) -> list[Step]:  # not written to: it may be a link, or what a FIFO's other end waits for
            return [native.mknodat.step(SCRATCH, name, 0o100644, 0).replace(tolerate=EXISTS_IS_FINE)]

        return make_each(self.paths, make)


class MakeNode(Op):
    """Make one device node or FIFO, with owner and permissions, in the place of whatever file is there: mknod(2).

    With an empty umask, as every plan has it until its program: permissions are not set a second time.
    """

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
        def make(name: str) -> list[Step]:  # what an image has put there may be a link: it goes, and nothing follows it
            return [
                native.unlinkat.step(SCRATCH, name).replace(tolerate=ABSENT_IS_FINE),
                native.mknodat.step(SCRATCH, name, self.mode, self.device),
                native.fchownat.step(SCRATCH, name, self.uid, self.gid, TreeFlag.SYMLINK_NOFOLLOW),
            ]

        return make_each((self.path,), make)
