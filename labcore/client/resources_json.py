"""Resources of HostConfig, and of POST /containers/{id}/update: limits, devices, ulimits."""

from __future__ import annotations

from labcore.errors import InvalidInput
from labcore.procfs import block_device_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from labcore.spec import CreateOptions, DeviceRule, Resources

PLAIN: Final = {  # a field that is a number, or a text -> its name in the API
    "memory": "Memory", "reservation": "MemoryReservation", "swap": "MemorySwap", "swappiness": "MemorySwappiness",
    "no_oom_killer": "OomKillDisable", "cpu_shares": "CpuShares", "nano_cpus": "NanoCpus",
    "cpu_quota": "CpuQuota", "cpu_period": "CpuPeriod",
    "realtime_runtime": "CpuRealtimeRuntime", "realtime_period": "CpuRealtimePeriod", "cpus": "CpusetCpus",
    "mems": "CpusetMems", "pids": "PidsLimit", "block_weight": "BlkioWeight",
}  # fmt: skip
THROTTLES: Final = {
    "read_bps": "BlkioDeviceReadBps",
    "write_bps": "BlkioDeviceWriteBps",
    "read_iops": "BlkioDeviceReadIOps",
    "write_iops": "BlkioDeviceWriteIOps",
}
OF_THE_RUNTIME: Final = (
    "cpu_burst", "cpu_idle", "hugepages", "network_class", "network_priorities", "devices", "unified",
)  # fmt: skip


def limits_json(limits: Resources) -> dict[str, Any]:
    """Return the limits that are set. Raises InvalidInput for one that the Engine API has no word for."""
    for name in OF_THE_RUNTIME:
        if getattr(limits, name) not in (None, ()):
            raise InvalidInput(f"resources: {name}: the Engine API has no such field: leave it out, or use labcore.run")
    found: dict[str, Any] = {
        of_api: getattr(limits, name) for name, of_api in PLAIN.items() if getattr(limits, name) not in (None, "")
    }
    for major, minor, weight in limits.block_weights:
        device = {"Path": block_device_path(major, minor), "Weight": weight}
        found.setdefault("BlkioWeightDevice", []).append(device)
    for each in limits.throttles:
        device = {"Path": block_device_path(each.major, each.minor), "Rate": each.rate}
        found.setdefault(THROTTLES[each.kind], []).append(device)
    return found


def resources_json(options: CreateOptions) -> dict[str, Any]:
    """Return all that belongs to Resources. Raises InvalidInput."""
    devices = [
        {"PathOnHost": each.source, "PathInContainer": each.target, "CgroupPermissions": each.access}
        for each in options.devices
    ]
    found: dict[str, Any] = {
        "CgroupParent": options.cgroup_parent,
        "Devices": devices,
        "DeviceCgroupRules": [rule_text(each) for each in options.device_cgroup_rules],
        "Ulimits": [{"Name": each.name.lower(), "Soft": each.soft, "Hard": each.hard} for each in options.ulimits],
        "Init": options.init,
    }
    return limits_json(options.resources) | {name: value for name, value in found.items() if value}


def rule_text(rule: DeviceRule) -> str:
    """Return a rule for devices as docker has it, `c 42:* rmw`. Raises InvalidInput for one that denies."""
    if not rule.allow:
        raise InvalidInput("device_cgroup_rules: the Engine API has rules that allow, and none that deny: leave it out")
    major, minor = ("*" if number is None else number for number in (rule.major, rule.minor))
    return f"{rule.kind} {major}:{minor} {rule.access}"
