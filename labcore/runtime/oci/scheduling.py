"""Scheduling of a process: `process.scheduler`, `ioPriority`, `execCPUAffinity`, `linux.memoryPolicy`, `timeOffsets`."""

from __future__ import annotations

from labcore.runtime.ops.scheduling import IO_CLASSES, MEMORY_FLAGS, MEMORY_MODES, POLICIES, SCHEDULER_FLAGS
from labcore.spec.scheduling import IoPriority, MemoryPolicy, Scheduler, TimeOffset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from labcore.runtime.oci.node import Node

MOST_NUMBERED: Final = 1 << 13  # processors and nodes: what kernels are built for at most
CLOCKS: Final = ("monotonic", "boottime")


def _one_of(node: Node, known: Mapping[str, int]) -> str:
    if (word := node.required_text()) not in known:
        raise node.fail(f"must be one of {', '.join(known)}, and is {word!r}")
    return word


def read_scheduler(node: Node) -> Scheduler | None:
    """Read `process.scheduler` (config.md). Raises ConfigError."""
    if not node.value:
        return None
    return Scheduler(
        _one_of(node["policy"], POLICIES),
        node["nice"].number(0, -20, 19),
        node["priority"].number(0, 0, 99),
        tuple(_one_of(flag, SCHEDULER_FLAGS) for flag in node["flags"].items()),
        *(node[name].unsigned(0, 64) for name in ("runtime", "deadline", "period")),
    )


def read_io_priority(node: Node) -> IoPriority | None:
    """Read `process.ioPriority` (config.md). Raises ConfigError."""
    return IoPriority(_one_of(node["class"], IO_CLASSES), node["priority"].number(0, 0, 7)) if node.value else None


def read_memory_policy(node: Node) -> MemoryPolicy | None:
    """Read `linux.memoryPolicy` (config-linux.md). Raises ConfigError."""
    if not node.value:
        return None
    flags = tuple(_one_of(flag, MEMORY_FLAGS) for flag in node["flags"].items())
    return MemoryPolicy(_one_of(node["mode"], MEMORY_MODES), read_numbers(node["nodes"]), flags)


def read_time_offsets(node: Node) -> tuple[TimeOffset, ...]:
    """Read `linux.timeOffsets` (config-linux.md). Raises ConfigError."""
    found = []
    for clock, offset in node.members():
        if clock not in CLOCKS:
            raise offset.fail(f"no such clock: there are {' and '.join(CLOCKS)}")
        found.append(TimeOffset(clock, offset["secs"].number(0), offset["nanosecs"].number(0, 0, 999_999_999)))
    return tuple(found)


def read_numbers(node: Node) -> tuple[int, ...]:
    """Read a list such as `0-3,7`: cpuset(7), list format. Raises ConfigError."""
    found: set[int] = set()
    for part in node.text().split(",") if node.text() else ():
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)) or not int(first) <= int(last or first) < MOST_NUMBERED:
            raise node.fail(f"must be a list such as 0-3,7, and is {node.value!r}")
        found |= set(range(int(first), int(last or first) + 1))
    return tuple(sorted(found))
