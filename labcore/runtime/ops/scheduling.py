"""Ops on scheduling: policy, I/O priority, CPU affinity, NUMA memory policy, clock offsets."""

from __future__ import annotations

import errno
import struct
from functools import cached_property

from labcore import native
from labcore.native import CloneFlag
from labcore.native.step import errors
from labcore.runtime.ops.base import Op
from labcore.runtime.ops.proc import in_machines_own_proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar, Final

    from labcore.native import Step
    from labcore.spec.scheduling import IoPriority, MemoryPolicy, Scheduler, TimeOffset

# linux/sched.h, linux/ioprio.h, linux/mempolicy.h
POLICIES: Final = {
    "SCHED_OTHER": 0, "SCHED_FIFO": 1, "SCHED_RR": 2, "SCHED_BATCH": 3, "SCHED_ISO": 4, "SCHED_IDLE": 5, "SCHED_DEADLINE": 6,
}  # fmt: skip
SCHEDULER_FLAGS: Final = {
    "SCHED_FLAG_RESET_ON_FORK": 0x01, "SCHED_FLAG_RECLAIM": 0x02, "SCHED_FLAG_DL_OVERRUN": 0x04,
    "SCHED_FLAG_KEEP_POLICY": 0x08, "SCHED_FLAG_KEEP_PARAMS": 0x10, "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20,
    "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
}  # fmt: skip
IO_CLASSES: Final = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}
IO_CLASS_SHIFT: Final = 13
MEMORY_MODES: Final = {
    "MPOL_DEFAULT": 0, "MPOL_PREFERRED": 1, "MPOL_BIND": 2, "MPOL_INTERLEAVE": 3, "MPOL_LOCAL": 4, "MPOL_PREFERRED_MANY": 5,
    "MPOL_WEIGHTED_INTERLEAVE": 6,
}  # fmt: skip
MEMORY_FLAGS: Final = {
    "MPOL_F_NUMA_BALANCING": 1 << 13, "MPOL_F_RELATIVE_NODES": 1 << 14, "MPOL_F_STATIC_NODES": 1 << 15,
}  # fmt: skip

EVERY_PROCESSOR: Final = b"\xff" * 1024  # more than there are: the kernel leaves out those that cannot be had


class SetScheduler(Op):
    """Choose a scheduling policy: sched_setattr(2)."""

    scheduler: Scheduler
    name: ClassVar[str] = "scheduler"

    @cached_property
    def detail(self) -> str:
        return self.scheduler.policy

    def calls(self) -> Sequence[Step]:
        wanted = self.scheduler
        flags = sum(SCHEDULER_FLAGS[name] for name in wanted.flags)
        times = (wanted.runtime, wanted.deadline, wanted.period)
        attributes = struct.pack("=IIQiI3Q", 48, POLICIES[wanted.policy], flags, wanted.nice, wanted.priority, *times)
        return [native.sched_setattr.step(attributes)]


class SetIoPriority(Op):
    """Say whose reads and writes come first: ioprio_set(2)."""

    wanted: IoPriority
    name: ClassVar[str] = "I/O priority"

    @cached_property
    def detail(self) -> str:
        return f"{self.wanted.kind} {self.wanted.priority}"

    def calls(self) -> Sequence[Step]:
        return [native.ioprio_set.step(IO_CLASSES[self.wanted.kind] << IO_CLASS_SHIFT | self.wanted.priority)]


class SetAffinity(Op):
    """Run on these processors only: sched_setaffinity(2)."""

    processors: tuple[int, ...]
    name: ClassVar[str] = "affinity"

    @cached_property
    def detail(self) -> str:
        return " ".join(map(str, self.processors))

    def calls(self) -> Sequence[Step]:
        return [native.sched_setaffinity.step(_bits(self.processors))]


class SetAffinityBefore(SetAffinity):
    """The same, done by the monitor before it enters the container's cgroups; the child has it from there."""

    before_clone: ClassVar[bool] = True


class ResetAffinity(Op):
    """Run on all processors that the cgroup lets one have, whatever the starter was kept to: sched_setaffinity(2)."""

    name: ClassVar[str] = "affinity"

    @cached_property
    def detail(self) -> str:
        return "all processors of its cgroup"

    def calls(self) -> Sequence[Step]:
        return [native.sched_setaffinity.step(EVERY_PROCESSOR).replace(tolerate=errors(errno.EPERM, errno.EINVAL))]


class SetMemoryPolicy(Op):
    """Say from which NUMA nodes memory is taken: set_mempolicy(2)."""

    policy: MemoryPolicy
    name: ClassVar[str] = "memory policy"

    @cached_property
    def detail(self) -> str:
        return " ".join([self.policy.mode, *map(str, self.policy.nodes)])

    def calls(self) -> Sequence[Step]:
        mode = MEMORY_MODES[self.policy.mode] | sum(MEMORY_FLAGS[name] for name in self.policy.flags)
        return [native.set_mempolicy.step(mode, _bits(self.policy.nodes) if self.policy.nodes else b"")]


class SetTimeOffsets(Op):
    """Make a time namespace whose clocks are ahead: time_namespaces(7). Done by the monitor: nobody may be in it yet.

    The child is the first one in it.
    """

    offsets: tuple[TimeOffset, ...]
    name: ClassVar[str] = "clocks"
    before_clone: ClassVar[bool] = True

    @cached_property
    def detail(self) -> str:
        return " ".join(f"{each.clock}+{each.seconds}.{each.nanoseconds:09}" for each in self.offsets)

    def calls(self) -> Sequence[Step]:
        text = "".join(f"{each.clock} {each.seconds} {each.nanoseconds}\n" for each in self.offsets)
        return [native.unshare.step(CloneFlag.NEWTIME), *in_machines_own_proc("self/timens_offsets", text)]


def _bits(numbers: Sequence[int]) -> bytes:
    """Return a set of small numbers as the kernel's bitmaps have it: whole words of 64 bits."""
    words = max(numbers) // 64 + 1
    return sum(1 << number for number in set(numbers)).to_bytes(8 * words, "little")
