"""HostConfig as inspect shows it: what CreateOptions has kept of it."""

from collections.abc import Iterable
from typing import Any, Final

from labcore.daemon.wire.mounts import bind_json, is_bind, is_tmpfs_option, mount_json
from labcore.daemon.wire.resources_json import resources_json
from labcore.options.log import log_options
from labcore.spec import MASKED_PATHS, READONLY_PATHS, CreateOptions, LogPolicy, Mount
from labcore.spec.network import PortBinding

SHM_SIZE: Final = 64 << 20  # bytes


def host_config_json(options: CreateOptions) -> dict[str, Any]:
    """Return HostConfig, with what CreateOptions has kept of it; links are left to who knows their ends."""
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
        "VolumeDriver": options.volume_driver,
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
        "Isolation": options.isolation,
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
    found += [] if options.writable_cgroups is None else [f"writable-cgroups={str(options.writable_cgroups).lower()}"]
    found += [f"apparmor={options.apparmor}"] if options.apparmor else []
    unlabelled = options.privileged or "host" in (options.pid_mode, options.ipc_mode)  # by SELinux
    return found + (["label=disable"] if unlabelled else [])


def log_config_json(policy: LogPolicy) -> dict[str, Any]:
    """Return a log driver and the options that differ from the default."""
    return {"Type": policy.driver, "Config": log_options(policy)}


def port_bindings_json(ports: Iterable[PortBinding]) -> dict[str, list[dict[str, str]]]:
    """Return the ports that were asked for (PortMap)."""
    found: dict[str, list[dict[str, str]]] = {}
    for each in ports:
        port = f"{each.host_port}-{each.host_port_last}" if each.host_port_last else str(each.host_port or "")
        found.setdefault(f"{each.container_port}/{each.protocol}", []).append({"HostIp": each.host_ip, "HostPort": port})
    return found
