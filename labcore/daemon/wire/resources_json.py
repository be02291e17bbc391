"""Resources as inspect shows them: what CreateOptions has kept of them."""

from collections.abc import Iterable
from typing import Any, Final

from labcore.procfs import block_device_path
from labcore.spec import CreateOptions, DeviceRule, Resources
from labcore.spec.resources import Throttle

THROTTLES: Final = {
    "read_bps": "BlkioDeviceReadBps",
    "write_bps": "BlkioDeviceWriteBps",
    "read_iops": "BlkioDeviceReadIOps",
    "write_iops": "BlkioDeviceWriteIOps",
}


def resources_json(options: CreateOptions) -> dict[str, Any]:
    """Return Resources, with what CreateOptions has kept of them."""
    limits = options.resources
    return {
        "Memory": limits.memory or 0,
        "MemoryReservation": limits.reservation or 0,
        "MemorySwap": limits.swap if limits.swap is not None else 2 * (limits.memory or 0),
        "MemorySwappiness": limits.swappiness,
        "OomKillDisable": limits.no_oom_killer or False,
        "PidsLimit": limits.pids,
        "CgroupParent": options.cgroup_parent,
        **({"Init": True} if options.init else {}),
        "Ulimits": [{"Name": each.name.lower(), "Hard": each.hard, "Soft": each.soft} for each in options.ulimits],
        **_cpu_json(limits),
        **_block_io_json(limits),
        **_devices_json(options),
        "CpuCount": 0,
        "CpuPercent": 0,
        "IOMaximumIOps": 0,
        "IOMaximumBandwidth": 0,
    }


def _cpu_json(limits: Resources) -> dict[str, Any]:
    return {
        "CpuShares": limits.cpu_shares or 0,
        "NanoCpus": limits.nano_cpus or 0,
        "CpuPeriod": limits.cpu_period or 0,
        "CpuQuota": limits.cpu_quota or 0,
        "CpuRealtimePeriod": limits.realtime_period or 0,
        "CpuRealtimeRuntime": limits.realtime_runtime or 0,
        "CpusetCpus": limits.cpus,
        "CpusetMems": limits.mems,
    }


def _block_io_json(limits: Resources) -> dict[str, Any]:
    return {
        "BlkioWeight": limits.block_weight or 0,
        "BlkioWeightDevice": [{"Path": block_device_path(*each[:2]), "Weight": each[2]} for each in limits.block_weights],
        **{name: _rates(each for each in limits.throttles if each.kind == kind) for kind, name in THROTTLES.items()},
    }


def _devices_json(options: CreateOptions) -> dict[str, Any]:
    return {
        "Devices": [
            {"PathOnHost": each.source, "PathInContainer": each.target, "CgroupPermissions": each.access}
            for each in options.devices
        ],
        "DeviceCgroupRules": [rule_text(each) for each in options.device_cgroup_rules] or None,
        "DeviceRequests": None,
    }


def _rates(throttles: Iterable[Throttle]) -> list[dict[str, Any]]:
    return [{"Path": block_device_path(each.major, each.minor), "Rate": each.rate} for each in throttles]


def rule_text(rule: DeviceRule) -> str:
    """Return a rule for devices as docker's options have it: `c 42:* rmw`."""
    major, minor = ("*" if number is None else number for number in (rule.major, rule.minor))
    return f"{rule.kind} {major}:{minor} {rule.access}"
