"""The op, the clone, sync points with the starter, namespaces to be joined; and any system call as an op."""

from __future__ import annotations

import os
from functools import cached_property

from labcore import native
from labcore.errors import InvalidInput
from labcore.native import CloneFlag, Prctl, Register
from labcore.native.flags import describe
from labcore.native.spawn import SYNC_DESCRIPTOR
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import ClassVar

    from labcore.native import Process, Step

SCRATCH = Register(62)  # for what an op needs while it is made; lower registers may hold what another op has taken in hand


class Op(Record):
    """One line of a plan. `name` and `detail` are what the printed plan shows; `calls` says what the walker does."""

    name: ClassVar[str] = "op"
    before_clone: ClassVar[bool] = False  # made by the monitor itself: only `join`
    needs: ClassVar[CloneFlag] = CloneFlag(0)  # the namespaces without which it would change the host itself
    returns: ClassVar[CloneFlag] = CloneFlag(0)  # the namespaces that are the host's again behind it
    may_share_memory: ClassVar[bool] = False  # whatever its calls are, they touch nothing of a process that shares ours

    @cached_property
    def detail(self) -> str:
        """What the printed plan says behind the name."""
        return " ".join(str(value) for value in self.values())

    def calls(self) -> Sequence[Step]:
        """Return the system calls that the op takes, in order."""
        return ()

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The same, worked out once: an op never changes."""
        return tuple(self.calls())

    def __str__(self) -> str:
        return f"{self.name} {self.detail}".rstrip()


class Clone(Op):
    """Make the process, with new namespaces: clone(2). The first op, but for those that are done before it.

    `cgroup` is a descriptor of a v2 cgroup to start in (which sets INTO_CGROUP), -1 for the starter's own.
    """

    flags: CloneFlag = CloneFlag(0)
    cgroup: int = -1
    name: ClassVar[str] = "clone"

    def __post_init__(self) -> None:
        if self.flags & CloneFlag.INTO_CGROUP:
            raise InvalidInput("clone: say which cgroup: Clone(flags, cgroup=DESCRIPTOR) sets INTO_CGROUP by itself")

    @cached_property
    def detail(self) -> str:
        names = describe(self.flags).replace("|", " ") if self.flags else "no new namespaces"
        return names + (f" cgroup fd {self.cgroup}" if self.cgroup >= 0 else "")


class Call(Op):
    """Any system call: `Call(native.unshare.step(CloneFlag.NEWUTS))`."""

    step: Step
    name: ClassVar[str] = "call"

    @cached_property
    def detail(self) -> str:
        return f"{self.step.call}({self.step.arguments})"

    def calls(self) -> Sequence[Step]:
        return [self.step]


class Sync(Op):
    """Wait here while the starter does something to this process from outside: `action(process)` runs over there."""

    what: str
    action: Callable[[Process], Sequence[int] | None]
    name: ClassVar[str] = "sync"

    @cached_property
    def detail(self) -> str:
        return f"waits   │ parent: {self.what}"

    def calls(self) -> Sequence[Step]:
        return [
            native.write.step(SYNC_DESCRIPTOR, b"?"),
            native.read.step(SYNC_DESCRIPTOR, bytearray(1)).replace(zero_fails=True),
        ]


class Pause(Sync):
    """A `sync` that is no part of what the plan does: whoever steps through it looks at the process before the next op."""

    name: ClassVar[str] = "pause"


class Receive(Sync):
    """A `sync` at which the starter hands over descriptors: `action(process)` returns `count` of them.

    They are closed over there, and are the lowest that are free here: what is open before must be known.
    """

    action: Callable[[Process], Sequence[int]]
    count: int = 0

    def calls(self) -> Sequence[Step]:
        return [
            native.write.step(SYNC_DESCRIPTOR, b"?"),
            native.recvmsg.step(SYNC_DESCRIPTOR, self.count).replace(zero_fails=True),
        ]


class JoinNamespaces(Op):
    """Join existing namespaces, each given by its flag and its file: setns(2). Done by the monitor itself, before it clones.

    All files are opened first, for after joining a mount namespace their paths mean something else. They are joined in the
    order given: a user namespace first, to have its rights in the others.
    """

    namespaces: tuple[tuple[CloneFlag, str], ...]
    name: ClassVar[str] = "join"
    before_clone: ClassVar[bool] = True

    @cached_property
    def detail(self) -> str:
        return " ".join(f"{describe(flag).removeprefix('NEW').lower()}={path}" for flag, path in self.namespaces)

    def calls(self) -> Sequence[Step]:
        paths = [path for _, path in self.namespaces]
        flags = [flag for flag, _ in self.namespaces]
        opened = [native.openat.step(native.AT_FDCWD, path, os.O_RDONLY | os.O_CLOEXEC) for path in paths]
        return [
            native.prctl.step(Prctl.SET_DUMPABLE, 0),  # nobody in there may look into this process, or its child: proc(5)
            *(step.replace(result=number) for number, step in enumerate(opened)),
            *(native.setns.step(Register(number), flag) for number, flag in enumerate(flags)),
        ]


class ApplyApparmorProfile(Op):
    """Have AppArmor confine by one of its profiles what is executed next: apparmor(7). Done by the monitor, before it clones.

    The child has it from the monitor. The file is the machine's own /proc: an image could bring another, which does nothing.
    """

    profile: str
    name: ClassVar[str] = "apparmor"
    before_clone: ClassVar[bool] = True

    def calls(self) -> Sequence[Step]:
        of_its_own = "/proc/self/attr/apparmor/exec"  # from Linux 5.8 on; before, security modules shared one
        path = of_its_own if os.path.exists(of_its_own) else "/proc/self/attr/exec"
        return [
            native.openat.step(native.AT_FDCWD, path, os.O_WRONLY | os.O_CLOEXEC).replace(result=0),
            native.write.step(Register(0), f"exec {self.profile}".encode()),
            native.close.step(Register(0)),
        ]
