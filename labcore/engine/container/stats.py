"""stats: what a running container uses of processors, memory, disks, processes and networks at this moment.

cgroups(7), admin-guide/cgroup-v1 and cgroup-v2; proc_stat(5), proc_pid_net(5).
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Final

from labcore.engine.container.exec import cgroups_by_controller
from labcore.engine.container.top import everything_in, monitors
from labcore.files import read_text
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from labcore.engine.records.records import Container

SECOND: Final = 10**9  # in nanoseconds
TICK: Final = SECOND // os.sysconf("SC_CLK_TCK")
BUSY_FIELDS: Final = 7  # of a line of /proc/stat: from user to softirq
NETWORK_FIELDS: Final = {
    "rx_bytes": 0, "rx_packets": 1, "rx_errors": 2, "rx_dropped": 3,
    "tx_bytes": 8, "tx_packets": 9, "tx_errors": 10, "tx_dropped": 11,
}  # fmt: skip


class CpuSample(Record):
    """Times in nanoseconds; `per_cpu` and `system` are empty and 0 where nothing was counted."""

    total: int = 0
    kernel: int = 0
    user: int = 0
    per_cpu: tuple[int, ...] = ()
    system: int = 0
    online: int = 0
    periods: int = 0
    throttled_periods: int = 0
    throttled: int = 0


class BlockSample(Record):
    """Bytes or operations of a kind on one block device."""

    major: int
    minor: int
    kind: str
    value: int


class Sample(Record):
    """What a container uses at a `time` (ns since 1970); `memory` is None if it does not run."""

    time: int
    cpu: CpuSample = CpuSample()
    memory: int | None = None
    memory_peak: int | None = None
    memory_failures: int = 0
    memory_limit: int = 0
    memory_details: tuple[tuple[str, int], ...] = ()
    processes: int = 0
    processes_limit: int | None = None
    bytes: tuple[BlockSample, ...] = ()
    operations: tuple[BlockSample, ...] | None = None
    networks: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = ()


def sample(container: Container) -> Sample:
    """Measure a container; one that does not run, or has just ended, uses nothing."""
    now = time.time_ns()
    pid = container.state.pid
    if not pid:
        return Sample(now)
    with suppress(OSError):
        directories = cgroups_by_controller(pid)
        group = _Cgroup(directories)
        limit = group.number("memory", "memory.limit_in_bytes", "memory.max")
        details = group.table("memory", "memory.stat", "memory.stat")
        total = _memory_total()
        return Sample(
            now,
            _cpu(group),
            group.number("memory", "memory.usage_in_bytes", "memory.current") or 0,
            group.number("memory", "memory.max_usage_in_bytes", ""),
            _memory_failures(group),
            min(limit, total) if limit else total,
            tuple(sorted(details.items())),
            _processes(group, pid, directories),
            group.number("pids", "pids.max", "pids.max"),
            *_blocks(group),
            _networks(container, pid),
        )
    return Sample(now)


class _Cgroup:
    """The files of a container's cgroup; the names of both versions."""

    def __init__(self, directories: Mapping[str, str]) -> None:
        self._directories = directories

    def text(self, controller: str, name_v1: str, name_v2: str) -> str:
        directory, name = self._directories.get(controller), name_v1
        if directory is None:
            directory, name = self._directories.get(""), name_v2
        if directory and name:
            with suppress(FileNotFoundError):
                return read_text(f"{directory}/{name}")
        return ""

    def is_v2(self, controller: str) -> bool:
        return controller not in self._directories and "" in self._directories

    def number(self, controller: str, name_v1: str, name_v2: str) -> int | None:
        text = self.text(controller, name_v1, name_v2).strip()
        return int(text) if text.isdecimal() else None

    def table(self, controller: str, name_v1: str, name_v2: str) -> dict[str, int]:
        pairs = (line.split() for line in self.text(controller, name_v1, name_v2).splitlines())
        return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def _processes(group: _Cgroup, pid: int, directories: Mapping[str, str]) -> int:
    """Return how many tasks there are, the monitors not counted, which are in the same cgroup."""
    counted = group.number("pids", "pids.current", "pids.current") or 0
    return max(0, counted - len(monitors(pid, everything_in(directories))))


def _cpu(group: _Cgroup) -> CpuSample:
    system, online = _system_cpu()
    used, times = group.table("cpu", "cpu.stat", "cpu.stat"), group.table("cpuacct", "cpuacct.stat", "")
    if "usage_usec" in used:
        total, kernel, user = (used.get(f"{name}_usec", 0) * 1000 for name in ("usage", "system", "user"))
        throttled = used.get("throttled_usec", 0) * 1000
    else:
        total = group.number("cpuacct", "cpuacct.usage", "") or 0
        kernel, user = times.get("system", 0) * TICK, times.get("user", 0) * TICK
        throttled = used.get("throttled_time", 0)
    per_cpu = tuple(map(int, group.text("cpuacct", "cpuacct.usage_percpu", "").split()))
    periods = used.get("nr_periods", 0), used.get("nr_throttled", 0)
    return CpuSample(total, kernel, user, per_cpu, system, online, *periods, throttled)


def _system_cpu() -> tuple[int, int]:
    """Return how long all processors have worked and rested together, and how many there are."""
    lines = [line.split() for line in read_text("/proc/stat").splitlines() if line.startswith("cpu")]
    return sum(map(int, lines[0][1 : BUSY_FIELDS + 1])) * TICK, len(lines) - 1


def _memory_total() -> int:
    for line in read_text("/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) << 10
    return 0


def _memory_failures(group: _Cgroup) -> int:
    """Return how often the limit was met; of version 2, as docker has it, how often there was no memory left below it."""
    if group.is_v2("memory"):
        return group.table("memory", "", "memory.events").get("oom", 0)
    return group.number("memory", "memory.failcnt", "") or 0


def _blocks(group: _Cgroup) -> tuple[tuple[BlockSample, ...], tuple[BlockSample, ...] | None]:
    """Return bytes and operations; version 2 has both in one file, of which docker tells the bytes."""
    if group.is_v2("blkio"):
        return _v2_blocks(group.text("blkio", "", "io.stat")), None
    names = ("blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_serviced_recursive")
    in_bytes, operations = (_v1_blocks(group.text("blkio", name, "")) for name in names)
    return in_bytes, operations


def _v2_blocks(text: str) -> tuple[BlockSample, ...]:
    found = []
    for line in text.splitlines():
        device, *fields = line.split()
        values = dict(field.partition("=")[::2] for field in fields)
        major, _, minor = device.partition(":")
        for kind in ("read", "write"):
            if f"{kind[0]}bytes" in values:
                found.append(BlockSample(int(major), int(minor), kind, int(values[f"{kind[0]}bytes"])))
    return tuple(found)


def _v1_blocks(text: str) -> tuple[BlockSample, ...]:
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3:  # and not the total
            major, _, minor = words[0].partition(":")
            found.append(BlockSample(int(major), int(minor), words[1], int(words[2])))
    return tuple(found)


def _networks(container: Container, pid: int) -> tuple[tuple[str, tuple[tuple[str, int], ...]], ...]:
    """Return what has gone through each interface; none of a network that is somebody else's."""
    if container.options.network_mode == "host" or container.options.network_mode.startswith("container:"):
        return ()
    found = []
    for line in read_text(f"/proc/{pid}/net/dev").splitlines()[2:]:
        name, _, numbers = line.partition(":")
        fields = numbers.split()
        if name.strip() != "lo":
            found.append((name.strip(), tuple((field, int(fields[at])) for field, at in NETWORK_FIELDS.items())))
    return tuple(found)
