"""Resource limits as docker takes them: checked against one another and the machine, and the cgroup that enforces them."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from labcore.errors import InvalidInput
from labcore.files import read_text
from labcore.runtime.cgroups import Cgroup, hierarchies
from labcore.runtime.cgroups.hierarchy import own_path
from labcore.spec import Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Never

    from labcore.spec import CreateOptions, DeviceRule

PREFIX: Final = "labcore-"  # of the names of containers' cgroups
MEMORY_MIN: Final = 6 << 20  # bytes: a container with less than this does not start, says docker
PERIODS: Final = range(1000, 1_000_001)  # microseconds
PERIOD: Final = 100_000  # that in which a quota is given, if nobody says another
QUOTA_MIN: Final = 1000
NANO: Final = 10**9
NANO_CPUS_MIN: Final = 10**7
WEIGHTS: Final = range(10, 1001)
V1_ALONE: Final = {
    "swappiness": "memory_swappiness",
    "no_oom_killer": "oom_kill_disable",
    "realtime_runtime": "cpu_rt_runtime",
    "realtime_period": "cpu_rt_period",
    "block_weights": "blkio_weight_device",
}


def limited(options: CreateOptions, rules: tuple[DeviceRule, ...]) -> Resources:
    """Return what the container's cgroup enforces: the options' limits, with docker's defaults, and rules for devices.

    Raises InvalidInput for what cannot be, or what this machine's cgroups do not have.
    """
    limits = options.resources
    if limits != _NONE:
        _check_memory(limits)
        limits = with_quota(limits)
        _check_processors(limits)
        if limits.block_weight and limits.block_weight not in WEIGHTS:
            _refuse("blkio_weight", limits.block_weight, f"{WEIGHTS.start} is the least, and {WEIGHTS.stop - 1} the most")
        _check_version(limits)
        limits = _with_swap(limits)
    return _with_devices(limits, rules) if rules else limits


def with_quota(limits: Resources) -> Resources:
    """Return the limits with `nano_cpus` as the quota that it is. Raises InvalidInput."""
    if not (nano := limits.nano_cpus):
        return limits
    for name, value in (("Period", limits.cpu_period), ("Quota", limits.cpu_quota)):
        if value:
            raise InvalidInput(f"Conflicting options: Nano CPUs and CPU {name} cannot both be set")
    online = os.cpu_count() or 1
    if not NANO_CPUS_MIN <= nano <= online * NANO:
        raise InvalidInput(
            f"range of CPUs is from {NANO_CPUS_MIN / NANO} to {online:.2f}, as there are only {online} CPUs available"
        )
    return limits.replace(nano_cpus=None, cpu_quota=nano * PERIOD // NANO, cpu_period=PERIOD)


@lru_cache(maxsize=64)
def _with_devices(limits: Resources, rules: tuple[DeviceRule, ...]) -> Resources:
    return limits.replace(devices=rules)


_NONE: Final = Resources()


def _refuse(name: str, value: object, why: str) -> Never:
    raise InvalidInput(f"{name} {value}: {why}")


def _check_memory(limits: Resources) -> None:
    memory, swap, reservation = limits.memory or 0, limits.swap or 0, limits.reservation or 0
    for name, value in (("memory limit", memory), ("memory reservation", reservation)):
        if 0 < value < MEMORY_MIN:
            raise InvalidInput(f"Minimum {name} allowed is 6MB: write 6m, or more, for {value}")
    if swap and not memory:
        why = "memory_swap is memory and swap together"
        raise InvalidInput(f"You should always set the Memory limit when using Memoryswap limit, see usage: {why}")
    if 0 < swap < memory:
        why = f"memory_swap {swap} is memory and swap together, and the memory alone is {memory}"
        raise InvalidInput(f"Minimum memoryswap limit should be larger than memory limit, see usage: {why}")
    if memory and reservation > memory:
        why = f"the memory is {memory}, the reservation {reservation}"
        raise InvalidInput(f"Minimum memory limit can not be less than memory reservation limit, see usage: {why}")


def _check_processors(limits: Resources) -> None:
    online = os.cpu_count() or 1
    if limits.cpu_period and limits.cpu_period not in PERIODS:
        why = f"cpu_period {limits.cpu_period}: {PERIODS.start} microseconds are the least, {PERIODS.stop - 1} the most"
        limit = "can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"
        raise InvalidInput(f"CPU cfs period {limit}: {why}")
    if limits.cpu_quota and 0 < limits.cpu_quota < QUOTA_MIN:
        why = f"cpu_quota {limits.cpu_quota}: {QUOTA_MIN} microseconds are the least"
        raise InvalidInput(f"CPU cfs quota can not be less than 1ms (i.e. 1000): {why}")
    if limits.cpu_quota and limits.cpu_quota > online * (limits.cpu_period or PERIOD):
        _refuse("cpu_quota", limits.cpu_quota, f"this machine has {online} processors")
    _check_available("CPUs", limits.cpus, "cpuset.cpus")
    _check_available("memory nodes", limits.mems, "cpuset.mems")


def _check_available(what: str, wanted: str | None, file: str) -> None:
    """Refuse processors or memory nodes that the cpuset of all containers does not have: cpuset(7). Raises InvalidInput."""
    there = hierarchies()
    directory = there.directory("cpuset") if wanted else None
    if not wanted or directory is None:
        return
    is_v1 = any(name == "cpuset" for name, _ in there.v1)
    available = read_text(f"{directory}/{file}" if is_v1 else f"{directory}/{file}.effective").strip()
    if not _numbers(wanted) <= _numbers(available):
        raise InvalidInput(f"Requested {what} are not available - requested {wanted}, available: {available}")


def _numbers(text: str) -> set[int]:
    """Return the numbers of a list such as `0-2,4`."""
    ends = [part.partition("-") for part in text.split(",") if part]
    return {number for first, _, last in ends for number in range(int(first), int(last or first) + 1)}


def _check_version(limits: Resources) -> None:
    if hierarchies().mode != "v2":
        return
    for field, name in V1_ALONE.items():
        if getattr(limits, field):
            _refuse(name, getattr(limits, field), "this machine has cgroups of version 2, which do not have that: leave it out")


def _with_swap(limits: Resources) -> Resources:
    """Return the limits as docker completes them: as much swap as memory, where the machine counts swap; 0 is none at all."""
    limits = limits.replace(**{name: None for name in ("memory", "swap", "reservation") if getattr(limits, name) == 0})
    if limits.swappiness == -1:
        limits = limits.replace(swappiness=None)
    if limits.memory and limits.swap is None and _counts_swap():
        return limits.replace(swap=2 * limits.memory)
    return limits


def _counts_swap() -> bool:
    """Return whether swap can be limited here: version 1 has a file for it, and version 2 in each cgroup below the root."""
    own = Cgroup.at(own_path("memory")).directories
    memory = own.get("memory")
    return Path(memory, "memory.memsw.limit_in_bytes").exists() if memory else Path("/proc/swaps").exists()


def cgroup_of(options: CreateOptions, name: str) -> Cgroup:
    """Return the cgroup of a container of this name, below the parent that the options name."""
    if options.cgroup_parent:
        return Cgroup.at(f"{options.cgroup_parent}/{name}")
    return Cgroup.near_own(f"{PREFIX}{name}")
