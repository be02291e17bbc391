"""Resource limits that cgroups enforce, in the OCI runtime specification's terms (config-linux.md)."""

from __future__ import annotations

from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.spec.isolation import DeviceRule


class Throttle(Record):
    """A rate for one block device: `kind` is `read_bps`, `write_bps`, `read_iops` or `write_iops`; the rate per second."""

    kind: str
    major: int
    minor: int
    rate: int


class Resources(Record):
    """Limits; None is no limit and leaves things as they are. Sizes are bytes, times microseconds, -1 is unlimited.

    `swap` is memory and swap together, as in cgroup v1 and on docker's command line. `nano_cpus` is docker's: billionths of a
    processor's time, of which `labcore.engine.options.resources.limited` makes a quota. `unified` are files of cgroup v2, by
    name.
    """

    memory: int | None = None
    reservation: int | None = None
    swap: int | None = None
    swappiness: int | None = None
    no_oom_killer: bool | None = None
    cpu_shares: int | None = None
    nano_cpus: int | None = None
    cpu_quota: int | None = None
    cpu_period: int | None = None
    cpu_burst: int | None = None
    cpu_idle: int | None = None
    realtime_runtime: int | None = None
    realtime_period: int | None = None
    cpus: str = ""
    mems: str = ""
    pids: int | None = None
    block_weight: int | None = None
    block_weights: tuple[tuple[int, int, int], ...] = ()  # major, minor, weight
    throttles: tuple[Throttle, ...] = ()
    hugepages: tuple[tuple[str, int], ...] = ()
    network_class: int | None = None
    network_priorities: tuple[tuple[str, int], ...] = ()
    devices: tuple[DeviceRule, ...] = ()
    unified: tuple[tuple[str, str], ...] = ()
