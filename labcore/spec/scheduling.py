"""Scheduling of a process, in the OCI runtime specification's terms: process.scheduler and process.ioPriority."""

from __future__ import annotations

from labcore.record import Record


class Scheduler(Record):
    """A scheduling policy (`SCHED_BATCH`) and what belongs to it, times in nanoseconds: sched_setattr(2)."""

    policy: str
    nice: int = 0
    priority: int = 0
    flags: tuple[str, ...] = ()
    runtime: int = 0
    deadline: int = 0
    period: int = 0


class IoPriority(Record):
    """A class (`IOPRIO_CLASS_BE`) and a priority in it, 0 being the highest: ioprio_set(2)."""

    kind: str
    priority: int = 0


class MemoryPolicy(Record):
    """The NUMA policy of memory (`MPOL_INTERLEAVE`) and its nodes: set_mempolicy(2)."""

    mode: str
    nodes: tuple[int, ...] = ()
    flags: tuple[str, ...] = ()


class TimeOffset(Record):
    """How far a clock (`monotonic`, `boottime`) is ahead of the machine's: time_namespaces(7)."""

    clock: str
    seconds: int = 0
    nanoseconds: int = 0
