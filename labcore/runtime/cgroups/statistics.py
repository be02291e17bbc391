"""Statistics of a cgroup: memory, CPU, pids, I/O; cgroups(7), admin-guide/cgroup-v1 and cgroup-v2."""

from __future__ import annotations

from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

UNLIMITED = 1 << 60  # version 1 writes "no limit" as the largest number of pages


class Statistics(Record):
    """Bytes, nanoseconds and counts; None is what this machine does not count, or does not limit.

    `oom_kills`: how many of its processes the kernel has killed because it had reached its limit of memory.
    """

    memory: int | None = None
    memory_limit: int | None = None
    memory_peak: int | None = None
    oom_kills: int = 0
    cpu: int | None = None
    throttled: int | None = None
    processes: int | None = None
    processes_limit: int | None = None
    read: int | None = None
    written: int | None = None


def statistics(directories: Mapping[str, Path]) -> Statistics:
    """Return what a cgroup has used; `directories` are its own by controller of version 1, and by `` for version 2."""
    v1, v2 = directories, directories.get("")

    def number(controller: str, file1: str, file2: str) -> int | None:
        if controller in v1:
            return _number(v1[controller] / file1)
        return _number(v2 / file2) if v2 else None

    def table(controller: str, file1: str, file2: str) -> dict[str, int]:
        if controller in v1:
            return _table(v1[controller] / file1)
        return _table(v2 / file2) if v2 else {}

    memory_limit = number("memory", "memory.limit_in_bytes", "memory.max")
    cpu = number("cpuacct", "cpuacct.usage", "cpu.stat")
    throttle = table("cpu", "cpu.stat", "cpu.stat")
    if cpu is None and "usage_usec" in throttle:
        cpu = throttle["usage_usec"] * 1000
    read, written = _blocks(v1, v2)
    return Statistics(
        memory=number("memory", "memory.usage_in_bytes", "memory.current"),
        memory_limit=memory_limit if memory_limit is not None and memory_limit < UNLIMITED else None,
        memory_peak=number("memory", "memory.max_usage_in_bytes", "memory.peak"),
        oom_kills=table("memory", "memory.oom_control", "memory.events").get("oom_kill", 0),
        cpu=cpu,
        throttled=throttle.get("nr_throttled"),
        processes=number("pids", "pids.current", "pids.current"),
        processes_limit=number("pids", "pids.max", "pids.max"),
        read=read,
        written=written,
    )


def _number(file: Path) -> int | None:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _table(file: Path) -> dict[str, int]:
    try:
        pairs = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return {}
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _blocks(v1: Mapping[str, Path], v2: Path | None) -> tuple[int | None, int | None]:
    """Return the bytes read from and written to block devices."""
    try:
        if "blkio" in v1:
            lines = (v1["blkio"] / "blkio.throttle.io_service_bytes").read_text(encoding="utf-8").splitlines()
            words = [line.split() for line in lines]
            totals = [sum(int(w[2]) for w in words if len(w) == 3 and w[1] == kind) for kind in ("Read", "Write")]
        elif v2:
            fields = (v2 / "io.stat").read_text(encoding="utf-8").split()
            totals = [sum(int(f[7:]) for f in fields if f.startswith(key)) for key in ("rbytes=", "wbytes=")]
        else:
            return None, None
    except OSError:
        return None, None
    return totals[0], totals[1]
