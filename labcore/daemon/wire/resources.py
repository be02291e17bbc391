"""Resources: what cgroups and the host's devices give a container, read into fields of CreateOptions."""

import os
from typing import Any

from msgspec import UNSET, UnsetType, field

from labcore.daemon.wire.codec import Wire
from labcore.errors import InvalidInput
from labcore.spec import DeviceMapping


class DevicePath(Wire):
    """A device of the host, and where it is inside."""

    path_on_host: str = ""
    path_in_container: str = ""
    cgroup_permissions: str = ""


class WeightDevice(Wire):
    """A block device's weight."""

    path: str
    weight: int


class ThrottleDevice(Wire):
    """A block device's rate."""

    path: str
    rate: int


class Ulimit(Wire):
    """A resource limit: setrlimit(2)."""

    name: str
    soft: int = 0
    hard: int = 0


class HostResources(Wire):
    """Resources: what cgroups limit; 0 is no limit."""

    cpu_shares: int = 0
    memory: int = 0
    cgroup_parent: str = ""
    blkio_weight: int = 0
    blkio_weight_device: list[WeightDevice] = []
    blkio_device_read_bps: list[ThrottleDevice] = []
    blkio_device_write_bps: list[ThrottleDevice] = []
    blkio_device_read_iops: list[ThrottleDevice] = field(name="BlkioDeviceReadIOps", default_factory=list)
    blkio_device_write_iops: list[ThrottleDevice] = field(name="BlkioDeviceWriteIOps", default_factory=list)
    cpu_period: int = 0
    cpu_quota: int = 0
    cpu_realtime_period: int = 0
    cpu_realtime_runtime: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    devices: list[DevicePath] = []
    device_cgroup_rules: list[str] = []
    device_requests: list[dict[str, Any]] = []
    memory_reservation: int = 0
    memory_swap: int = 0
    memory_swappiness: int | UnsetType = UNSET
    nano_cpus: int = 0
    oom_kill_disable: bool = False
    init: bool = False
    pids_limit: int = 0
    ulimits: list[Ulimit] = []


def resource_fields(host: HostResources) -> dict[str, Any]:
    """Return the resources as `create_options` takes them; what is not said is left out. Raises InvalidInput."""
    if host.device_requests:
        raise InvalidInput("could not select device driver: DeviceRequests (--gpus) are not supported here: use --device")
    said = _memory_fields(host) | _cpu_fields(host) | _block_io_fields(host) | _device_fields(host)
    found = {name: value for name, value in said.items() if value}
    if host.memory_swappiness is not UNSET and host.memory_swappiness != -1:
        found["memory_swappiness"] = host.memory_swappiness
    return found


def _memory_fields(host: HostResources) -> dict[str, Any]:
    return {
        "memory": host.memory,
        "memory_swap": host.memory_swap,
        "memory_reservation": host.memory_reservation,
        "oom_kill_disable": host.oom_kill_disable,
        "pids_limit": max(host.pids_limit, 0),
        "cgroup_parent": host.cgroup_parent,
        "init": host.init,
        "ulimits": [f"{each.name}={each.soft}:{each.hard}" for each in host.ulimits],
    }


def _cpu_fields(host: HostResources) -> dict[str, Any]:
    return {
        "cpu_shares": host.cpu_shares,
        "cpu_quota": host.cpu_quota,
        "cpu_period": host.cpu_period,
        "cpu_rt_period": host.cpu_realtime_period,
        "cpu_rt_runtime": host.cpu_realtime_runtime,
        "cpuset_cpus": host.cpuset_cpus,
        "cpuset_mems": host.cpuset_mems,
        "cpus": processors(host.nano_cpus),
    }


def _block_io_fields(host: HostResources) -> dict[str, Any]:
    rates = {
        "device_read_bps": host.blkio_device_read_bps,
        "device_write_bps": host.blkio_device_write_bps,
        "device_read_iops": host.blkio_device_read_iops,
        "device_write_iops": host.blkio_device_write_iops,
    }
    return {
        "blkio_weight": host.blkio_weight,
        "blkio_weight_device": [f"{each.path}:{each.weight}" for each in host.blkio_weight_device],
        **{name: [f"{each.path}:{each.rate}" for each in devices] for name, devices in rates.items()},
    }


def _device_fields(host: HostResources) -> dict[str, Any]:
    return {
        "devices": [
            DeviceMapping(each.path_on_host, each.path_in_container or each.path_on_host, each.cgroup_permissions or "rwm")
            for each in host.devices
        ],
        "device_cgroup_rules": host.device_cgroup_rules,
    }


def processors(nano: int) -> str:
    """Return NanoCpus as docker's --cpus has it; empty for none. Raises InvalidInput."""
    if nano < 0:
        online = os.cpu_count()
        raise InvalidInput(f"range of CPUs is from 0.01 to {online}.00, as there are only {online} CPUs available")
    return f"{nano // 10**9}.{nano % 10**9:09}" if nano else ""
