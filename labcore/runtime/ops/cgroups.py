"""Ops on cgroups: what the monitor enters before it clones, and what its child enters alone."""

from __future__ import annotations

import os
from functools import cached_property

from labcore import native
from labcore.native import CloneFlag, Register
from labcore.runtime.ops.base import Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from labcore.native import Step

CLOSED = native.close.step(Register(0))


class JoinCgroup(Op):
    """Move into cgroups, each a directory: by writing to its `cgroup.procs`: cgroups(7). Done by the monitor, before it clones.

    The child is then born in them, and a cgroup namespace that it makes has them as its root. In version 1 the monitor's only
    thread is moved (`tasks`): for a process the kernel would halt all forks of the machine, which takes a millisecond each.
    """

    directories: tuple[str, ...]
    name: ClassVar[str] = "cgroup"
    before_clone: ClassVar[bool] = True

    def calls(self) -> Sequence[Step]:
        return [step for each in self.directories for step in (_entrance(each), native.write.step(Register(0), b"0"), CLOSED)]

    @cached_property
    def detail(self) -> str:
        return " ".join(self.directories)


class OpenCgroups(Op):
    """Open the entrances of cgroups, at descriptors from `first` on, for the child: `EnterCgroups`. Done by the monitor.

    `namespace` is the file of a cgroup namespace, opened behind them. It must be done before a mount namespace is joined.
    """

    directories: tuple[str, ...]
    first: int
    namespace: str = ""
    name: ClassVar[str] = "open cgroups"
    before_clone: ClassVar[bool] = True

    @cached_property
    def detail(self) -> str:
        return " ".join((*self.directories, *([self.namespace] if self.namespace else [])))

    def calls(self) -> Sequence[Step]:
        opened = [_entrance(directory) for directory in self.directories]
        opened += [_opened(self.namespace, os.O_RDONLY)] if self.namespace else []
        steps: list[Step] = []
        for descriptor, step in enumerate(opened, self.first):
            steps += [step, native.dup3.step(Register(0), descriptor, os.O_CLOEXEC), CLOSED]
        return steps


class EnterCgroups(Op):
    """Move into the cgroups that were opened, `count` of them: the monitor stays outside, and does not count there.

    With `namespace` the cgroup namespace that was opened is joined then. The monitor cannot have joined it: where namespaces
    are boundaries of delegation (`nsdelegate`, cgroups(7): systemd mounts version 2 so), nobody who is outside of the root of
    his namespace brings a process in, and clone3(2) says ENOENT.
    """

    first: int
    count: int
    namespace: bool = False
    name: ClassVar[str] = "enter cgroups"

    @cached_property
    def detail(self) -> str:
        return f"{self.first}…{self.first + self.count + self.namespace - 1}"

    def calls(self) -> Sequence[Step]:
        steps = [native.write.step(self.first + number, b"0") for number in range(self.count)]
        return [*steps, native.setns.step(self.first + self.count, CloneFlag.NEWCGROUP)] if self.namespace else steps


def _entrance(directory: str) -> Step:
    file = "tasks" if os.path.exists(f"{directory}/tasks") else "cgroup.procs"
    return _opened(f"{directory}/{file}", os.O_WRONLY)


def _opened(path: str, flags: int) -> Step:
    return native.openat.step(native.AT_FDCWD, path, flags | os.O_CLOEXEC).replace(result=0)
