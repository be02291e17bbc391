"""HostConfig as inspect shows it: what CreateOptions has kept of it."""

from collections.abc import Iterable
from typing import Any, Final

from labcore.daemon.wire.mounts import bind_json, is_bind, is_tmpfs_option, mount_json
from labcore.engine.log_forms import log_options
from labcore.procfs import block_device_path
from labcore.spec import MASKED_PATHS, READONLY_PATHS, CreateOptions, DeviceRule, LogPolicy, Mount
from labcore.spec.network import PortBinding
from labcore.spec.resources import Throttle

THROTTLES: Final = {
    "read_bps": "BlkioDeviceReadBps",
    "write_bps": "BlkioDeviceWriteBps",
    "read_iops": "BlkioDeviceReadIOps",
    "write_iops": "BlkioDeviceWriteIOps",
}
SHM_SIZE: Final = 64 << 20  # bytes


def host_config_json(options: CreateOptions, name: str) -> dict[str, Any]:
    """Return the HostConfig of the container of that name, with what CreateOptions has kept of it."""
    optional = {
        "Annotations": dict(options.annotations),
        "Sysctls": dict(options.sysctls),
        "Tmpfs": {each.target: ",".join(each.options) for each in options.mounts if is_tmpfs_option(each)},
        "Mounts": [mount_json(each) for each in options.mounts if _is_named(each)],
    }
    return {name: value for name, value in optional.items() if value} | {
        "Binds": [bind_json(each) for each in options.mounts if is_bind(each)] or None,
        "ContainerIDFile": "",
        "LogConfig": log_config_json(options.log),
        "NetworkMode": options.network_mode or "none",
        "PortBindings": port_bindings_json(options.ports),
        "RestartPolicy": {"Name": options.restart.name, "MaximumRetryCount": options.restart.max_retries},
        "AutoRemove": options.auto_remove,
        "VolumeDriver": "",
        "VolumesFrom": list(options.volumes_from) or None,
        "ConsoleSize": list(options.console_size or (0, 0)),
        "CapAdd": list(options.cap_add) or None,
        "CapDrop": list(options.cap_drop) or None,
        "CgroupnsMode": options.cgroupns_mode or "private",
        "Dns": list(options.dns),
        "DnsOptions": list(options.dns_options),
        "DnsSearch": list(options.dns_search),
        "ExtraHosts": [f"{name}:{address}" for name, address in options.extra_hosts] or None,
        "GroupAdd": list(options.group_add) or None,
        "IpcMode": options.ipc_mode or "private",
        "Cgroup": "",
        "Links": [f"/{linked}:/{name}/{alias}" for linked, alias in options.links] or None,
        "OomScoreAdj": options.oom_score_adj or 0,
        "PidMode": options.pid_mode,
        "Privileged": options.privileged,
        "PublishAllPorts": options.publish_all,
        "ReadonlyRootfs": options.read_only,
        "SecurityOpt": _security_json(options) or None,
        "UTSMode": options.uts_mode,
        "UsernsMode": options.userns_mode,
        "ShmSize": options.shm_size or SHM_SIZE,
        "Runtime": "runc",
        "Isolation": "",
        **resources_json(options),
        "MaskedPaths": _paths(options.masked_paths, options, "masked"),
        "ReadonlyPaths": _paths(options.readonly_paths, options, "readonly"),
    }


def _is_named(mount: Mount) -> bool:
    anonymous = mount.kind == "volume" and not mount.source and mount.make
    return not (is_bind(mount) or is_tmpfs_option(mount) or anonymous)


def _paths(paths: tuple[str, ...] | None, options: CreateOptions, kind: str) -> list[str] | None:
    if paths is None and options.privileged:
        return None
    return list(paths if paths is not None else MASKED_PATHS if kind == "masked" else READONLY_PATHS)


def _security_json(options: CreateOptions) -> list[str]:
    found = ["no-new-privileges"] if options.no_new_privileges else []
    found += [f"seccomp={options.seccomp}"] if options.seccomp else []
    found += [f"apparmor={options.apparmor}"] if options.apparmor else []
    unlabelled = options.privileged or "host" in (options.pid_mode, options.ipc_mode)  # by SELinux
    return found + (["label=disable"] if unlabelled else [])


def log_config_json(policy: LogPolicy) -> dict[str, Any]:
    """Return a log driver and the options that differ from the default."""
    return {"Type": policy.driver, "Config": log_options(policy)}


def resources_json(options: CreateOptions) -> dict[str, Any]:
    """Return Resources."""
    limits = options.resources
    nano = limits.nano_cpus or 0
    return {
        "CpuShares": limits.cpu_shares or 0,
        "Memory": limits.memory or 0,
        "NanoCpus": nano,
        "CgroupParent": options.cgroup_parent,
        "BlkioWeight": limits.block_weight or 0,
        "BlkioWeightDevice": [{"Path": block_device_path(*each[:2]), "Weight": each[2]} for each in limits.block_weights],
        **{name: _rates(each for each in limits.throttles if each.kind == kind) for kind, name in THROTTLES.items()},
        "CpuPeriod": 0 if nano else limits.cpu_period or 0,
        "CpuQuota": 0 if nano else limits.cpu_quota or 0,
        "CpuRealtimePeriod": limits.realtime_period or 0,
        "CpuRealtimeRuntime": limits.realtime_runtime or 0,
        "CpusetCpus": limits.cpus,
        "CpusetMems": limits.mems,
        "Devices": [
            {"PathOnHost": each.source, "PathInContainer": each.target, "CgroupPermissions": each.access}
            for each in options.devices
        ],
        "DeviceCgroupRules": [rule_text(each) for each in options.device_cgroup_rules] or None,
        "DeviceRequests": None,
        "MemoryReservation": limits.reservation or 0,
        "MemorySwap": limits.swap if limits.swap is not None else 2 * (limits.memory or 0),
        "MemorySwappiness": limits.swappiness,
        "OomKillDisable": limits.no_oom_killer or False,
        **({"Init": True} if options.init else {}),
        "PidsLimit": limits.pids,
        "Ulimits": [{"Name": each.name.lower(), "Hard": each.hard, "Soft": each.soft} for each in options.ulimits],
        "CpuCount": 0,
        "CpuPercent": 0,
        "IOMaximumIOps": 0,
        "IOMaximumBandwidth": 0,
    }


def _rates(throttles: Iterable[Throttle]) -> list[dict[str, Any]]:
    return [{"Path": block_device_path(each.major, each.minor), "Rate": each.rate} for each in throttles]


def rule_text(rule: DeviceRule) -> str:
    """Return a rule for devices as docker's options have it: `c 42:* rmw`."""
    major, minor = ("*" if number is None else number for number in (rule.major, rule.minor))
    return f"{rule.kind} {major}:{minor} {rule.access}"


def port_bindings_json(ports: Iterable[PortBinding]) -> dict[str, list[dict[str, str]]]:
    """Return the ports that were asked for (PortMap)."""
    found: dict[str, list[dict[str, str]]] = {}
    for each in ports:
        port = f"{each.host_port}-{each.host_port_last}" if each.host_port_last else str(each.host_port or "")
        found.setdefault(f"{each.container_port}/{each.protocol}", []).append({"HostIp": each.host_ip, "HostPort": port})
    return found
