"""Resource limits as cgroup files: one table for each version."""

from __future__ import annotations

from labcore.errors import InvalidInput
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from labcore.spec.resources import Resources


class Setting(Record):
    """What is written to which file of which controller."""

    controller: str
    file: str
    value: str


def unlimited(value: int) -> str:
    """Return a number, or version 2's word for none."""
    return "max" if value < 0 else str(value)


def v1_settings(limits: Resources) -> Iterator[Setting]:
    """Yield the settings of version 1, in the order in which the kernel wants them (admin-guide/cgroup-v1)."""
    single = (
        ("memory", "memory.limit_in_bytes", limits.memory),
        ("memory", "memory.memsw.limit_in_bytes", limits.swap),
        ("memory", "memory.soft_limit_in_bytes", limits.reservation),
        ("memory", "memory.swappiness", limits.swappiness),
        ("memory", "memory.oom_control", None if limits.no_oom_killer is None else int(limits.no_oom_killer)),
        ("cpu", "cpu.shares", limits.cpu_shares or None),
        ("cpu", "cpu.cfs_period_us", limits.cpu_period or None),
        ("cpu", "cpu.cfs_quota_us", limits.cpu_quota or None),
        ("cpu", "cpu.cfs_burst_us", limits.cpu_burst),
        ("cpu", "cpu.rt_period_us", limits.realtime_period or None),
        ("cpu", "cpu.rt_runtime_us", limits.realtime_runtime or None),
        ("cpu", "cpu.idle", limits.cpu_idle),
        ("cpuset", "cpuset.cpus", limits.cpus or None),
        ("cpuset", "cpuset.mems", limits.mems or None),
        ("blkio", "blkio.weight", limits.block_weight or None),
        ("net_cls", "net_cls.classid", limits.network_class or None),
    )
    yield from (Setting(controller, file, str(value)) for controller, file, value in single if value is not None)
    if limits.pids:
        yield Setting("pids", "pids.max", unlimited(limits.pids))
    for major, minor, weight in limits.block_weights:
        yield Setting("blkio", "blkio.weight_device", f"{major}:{minor} {weight}")
    for throttle in limits.throttles:
        yield Setting("blkio", f"blkio.throttle.{throttle.kind}_device", f"{throttle.major}:{throttle.minor} {throttle.rate}")
    for size, limit in limits.hugepages:
        yield Setting("hugetlb", f"hugetlb.{size}.limit_in_bytes", str(limit))
    for interface, priority in limits.network_priorities:
        yield Setting("net_prio", "net_prio.ifpriomap", f"{interface} {priority}")


V2_THROTTLES = {"read_bps": "rbps", "write_bps": "wbps", "read_iops": "riops", "write_iops": "wiops"}
DEFAULT_PERIOD = 100_000


def v2_settings(limits: Resources) -> Iterator[Setting]:
    """Yield the settings of version 2 (admin-guide/cgroup-v2). Raises InvalidInput."""
    if limits.memory is not None:
        yield Setting("memory", "memory.max", unlimited(limits.memory))
    if limits.swap is not None:
        if 0 < limits.swap < (limits.memory or 0):
            raise InvalidInput(f"resources: {limits.memory} bytes of memory, and {limits.swap} of memory and swap together")
        both = -1 if limits.swap < 0 else limits.swap - max(limits.memory or 0, 0)
        yield Setting("memory", "memory.swap.max", unlimited(both))
    if limits.reservation is not None:
        yield Setting("memory", "memory.low", unlimited(limits.reservation))
    if limits.cpu_shares:
        yield Setting("cpu", "cpu.weight", str(weight_of(limits.cpu_shares)))
    if limits.cpu_quota or limits.cpu_period:
        yield Setting("cpu", "cpu.max", f"{unlimited(limits.cpu_quota or -1)} {limits.cpu_period or DEFAULT_PERIOD}")
    if limits.cpu_burst is not None:
        yield Setting("cpu", "cpu.max.burst", str(limits.cpu_burst))
    if limits.cpu_idle is not None:
        yield Setting("cpu", "cpu.idle", str(limits.cpu_idle))
    for file, value in (("cpuset.cpus", limits.cpus), ("cpuset.mems", limits.mems)):
        if value:
            yield Setting("cpuset", file, value)
    if limits.pids:
        yield Setting("pids", "pids.max", unlimited(limits.pids))
    if limits.block_weight:
        yield Setting("io", "io.weight", f"default {1 + (limits.block_weight - 10) * 9999 // 990}")
    for throttle in limits.throttles:
        yield Setting("io", "io.max", f"{throttle.major}:{throttle.minor} {V2_THROTTLES[throttle.kind]}={throttle.rate}")
    for size, limit in limits.hugepages:
        yield Setting("hugetlb", f"hugetlb.{size}.max", str(limit))


def weight_of(shares: int) -> int:
    """Return version 2's weight, 1 to 10 000, for version 1's shares, 2 to 262 144: as systemd and runc convert."""
    return 1 + (min(max(shares, 2), 262144) - 2) * 9999 // 262142
