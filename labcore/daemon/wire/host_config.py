"""HostConfig: what the host gives a container, read into fields of CreateOptions."""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import UNSET, UnsetType, field

from labcore.daemon.wire.codec import Wire
from labcore.daemon.wire.mounts import MountSpec
from labcore.engine.log_forms import log_policy
from labcore.errors import InvalidInput
from labcore.spec import DeviceMapping, RestartPolicy

RUNTIMES: Final = ("", "runc", "io.containerd.runc.v2", "labcore")
THROTTLES: Final = {
    "read_bps": "BlkioDeviceReadBps",
    "write_bps": "BlkioDeviceWriteBps",
    "read_iops": "BlkioDeviceReadIOps",
    "write_iops": "BlkioDeviceWriteIOps",
}
CPU_PERIOD: Final = 100_000  # microseconds: what NanoCpus is a part of
SHM_SIZE: Final = 64 << 20


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


class LogConfig(Wire):
    """A log driver with its options."""

    type: str = ""
    config: dict[str, str] = {}


class RestartSpec(Wire):
    """A restart policy."""

    name: str = ""
    maximum_retry_count: int = 0


class HostPort(Wire):
    """Where a port is published."""

    host_ip: str = ""
    host_port: str | int = ""


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


class HostConfig(HostResources):
    """HostConfig, of what is there on Linux."""

    binds: list[str] = []
    log_config: LogConfig = field(default_factory=LogConfig)
    network_mode: str = ""
    port_bindings: dict[str, list[HostPort]] = {}
    restart_policy: RestartSpec = field(default_factory=RestartSpec)
    auto_remove: bool = False
    volume_driver: str = ""
    volumes_from: list[str] = []
    mounts: list[MountSpec] = []
    console_size: tuple[int, int] = (0, 0)
    annotations: dict[str, str] = {}
    cap_add: list[str] = []
    cap_drop: list[str] = []
    cgroupns_mode: str = ""
    dns: list[str] = []
    dns_options: list[str] = []
    dns_search: list[str] = []
    extra_hosts: list[str] = []
    group_add: list[str] = []
    ipc_mode: str = ""
    links: list[str] = []
    oom_score_adj: int = 0
    pid_mode: str = ""
    privileged: bool = False
    publish_all_ports: bool = False
    readonly_rootfs: bool = False
    security_opt: list[str] = []
    storage_opt: dict[str, str] = {}
    tmpfs: dict[str, str] = {}
    uts_mode: str = field(name="UTSMode", default="")
    userns_mode: str = ""
    shm_size: int = 0
    sysctls: dict[str, str] = {}
    runtime: str = ""
    isolation: str = ""
    masked_paths: list[str] | UnsetType = UNSET
    readonly_paths: list[str] | UnsetType = UNSET


def resource_fields(host: HostResources) -> dict[str, Any]:
    """Return the limits as `create_options` takes them; what is not said is left out. Raises InvalidInput."""
    if host.device_requests:
        raise InvalidInput("could not select device driver: DeviceRequests (--gpus) are not supported here: use --device")
    said: dict[str, Any] = {
        "memory": host.memory,
        "memory_swap": host.memory_swap,
        "memory_reservation": host.memory_reservation,
        "oom_kill_disable": host.oom_kill_disable,
        "cpu_shares": host.cpu_shares,
        "cpu_quota": host.cpu_quota,
        "cpu_period": host.cpu_period,
        "cpu_rt_period": host.cpu_realtime_period,
        "cpu_rt_runtime": host.cpu_realtime_runtime,
        "cpuset_cpus": host.cpuset_cpus,
        "cpuset_mems": host.cpuset_mems,
        "pids_limit": host.pids_limit,
        "blkio_weight": host.blkio_weight,
        "blkio_weight_device": [f"{each.path}:{each.weight}" for each in host.blkio_weight_device],
        "device_read_bps": [f"{each.path}:{each.rate}" for each in host.blkio_device_read_bps],
        "device_write_bps": [f"{each.path}:{each.rate}" for each in host.blkio_device_write_bps],
        "device_read_iops": [f"{each.path}:{each.rate}" for each in host.blkio_device_read_iops],
        "device_write_iops": [f"{each.path}:{each.rate}" for each in host.blkio_device_write_iops],
        "cpus": _processors(host.nano_cpus),
    }
    found = {name: value for name, value in said.items() if value}
    if host.memory_swappiness is not UNSET and host.memory_swappiness != -1:
        found["memory_swappiness"] = host.memory_swappiness
    return found


def _processors(nano: int) -> str:
    if nano < 0:
        raise InvalidInput(f"NanoCpus {nano}: a number of processors is not negative")
    return f"{nano // 10**9}.{nano % 10**9:09}" if nano else ""


def host_fields(host: HostConfig) -> dict[str, Any]:
    """Return the host's part as `create_options` takes it; what is not said is left out. Raises InvalidInput."""
    if host.runtime not in RUNTIMES:
        raise InvalidInput(f"unknown or invalid runtime name: {host.runtime}")
    if host.isolation not in ("", "default"):
        raise InvalidInput(f"invalid isolation ({host.isolation:.80}): linux only supports 'default'")
    if host.storage_opt:
        raise InvalidInput("StorageOpt: limits for a container's files are not supported here: leave out --storage-opt")
    said: dict[str, Any] = {
        "devices": [_device(each) for each in host.devices],
        "device_cgroup_rules": host.device_cgroup_rules,
        "ulimits": [f"{each.name}={each.soft}:{each.hard}" for each in host.ulimits],
        "cgroup_parent": host.cgroup_parent,
        "init": host.init,
        "volumes_from": tuple(host.volumes_from),
        "volume_driver": host.volume_driver,
        "auto_remove": host.auto_remove,
        "restart": RestartPolicy(host.restart_policy.name or "no", host.restart_policy.maximum_retry_count),
        "log": log_policy(host.log_config.type or "json-file", host.log_config.config),
        "publish": [text for port, places in host.port_bindings.items() for text in _published(port, places)],
        "expose": [port for port, places in host.port_bindings.items() if not places],
        "publish_all": host.publish_all_ports,
        "cap_add": host.cap_add,
        "cap_drop": host.cap_drop,
        "cgroupns_mode": host.cgroupns_mode,
        "dns": host.dns,
        "dns_options": host.dns_options,
        "dns_search": host.dns_search,
        "extra_hosts": host.extra_hosts,
        "group_add": host.group_add,
        "ipc_mode": host.ipc_mode,
        "isolation": host.isolation,
        "oom_score_adj": host.oom_score_adj,
        "pid_mode": host.pid_mode,
        "privileged": host.privileged,
        "read_only": host.readonly_rootfs,
        "security_opt": _safe_security(host.security_opt),
        "uts_mode": host.uts_mode,
        "userns_mode": host.userns_mode,
        "shm_size": host.shm_size,
        "sysctls": host.sysctls,
        "annotations": tuple(host.annotations.items()),
        "console_size": host.console_size if any(host.console_size) else None,
    }
    found = {name: value for name, value in said.items() if value}
    for name, paths in (("masked_paths", host.masked_paths), ("readonly_paths", host.readonly_paths)):
        if paths is not UNSET:
            found[name] = tuple(paths)
    return found | resource_fields(host)


def _device(each: DevicePath) -> DeviceMapping:
    return DeviceMapping(each.path_on_host, each.path_in_container or each.path_on_host, each.cgroup_permissions or "rwm")


def _published(port: str, places: list[HostPort]) -> Iterable[str]:
    for each in places:
        host = f"[{each.host_ip}]" if ":" in each.host_ip else each.host_ip
        yield f"{host}:{each.host_port}:{port}" if host else f"{each.host_port}:{port}"


def _safe_security(options: list[str]) -> list[str]:
    """Return security options that name no file: docker's command reads a profile itself, and sends what is in it."""
    for option in options:
        key, _, value = option.partition("=" if "=" in option else ":")
        if key == "seccomp" and value not in ("unconfined", "builtin") and not value.lstrip().startswith("{"):
            raise InvalidInput(
                f"security_opt {option:.80}: Decoding seccomp profile failed: the profile itself is wanted, as JSON"
            )
    return options
