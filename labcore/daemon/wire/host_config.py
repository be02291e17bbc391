"""HostConfig: what the host gives a container, read into fields of CreateOptions."""

from collections.abc import Iterable
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, UnsetType, field

from labcore.daemon.wire.codec import Wire
from labcore.daemon.wire.mounts import MountSpec
from labcore.daemon.wire.resources import HostResources, resource_fields
from labcore.errors import InvalidInput
from labcore.options.log import log_policy
from labcore.spec import RestartPolicy

Extent = Annotated[int, Meta(ge=0, le=65535)]  # rows or columns of a terminal
RUNTIMES: Final = ("", "runc", "io.containerd.runc.v2", "labcore")


class LogConfig(Wire):
    """A log driver with its options."""

    type: str = ""
    config: dict[str, str] = {}


class RestartPolicyConfig(Wire):
    """A restart policy."""

    name: str = ""
    maximum_retry_count: int = 0


class HostPort(Wire):
    """Where a port is published."""

    host_ip: str = ""
    host_port: str | int = ""


class HostConfig(HostResources):
    """HostConfig, of what is there on Linux."""

    binds: list[str] = []
    log_config: LogConfig = field(default_factory=LogConfig)
    network_mode: str = ""
    port_bindings: dict[str, list[HostPort]] = {}
    restart_policy: RestartPolicyConfig = field(default_factory=RestartPolicyConfig)
    auto_remove: bool = False
    volume_driver: str = ""
    volumes_from: list[str] = []
    mounts: list[MountSpec] = []
    console_size: tuple[Extent, Extent] = (0, 0)
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


def host_fields(host: HostConfig) -> dict[str, Any]:
    """Return the host's part as `create_options` takes it; what is not said is left out. Raises InvalidInput."""
    _check(host)
    said = _life_fields(host) | _network_fields(host) | _privilege_fields(host) | _namespace_fields(host)
    found = {name: value for name, value in said.items() if value}
    for name, paths in (("masked_paths", host.masked_paths), ("readonly_paths", host.readonly_paths)):
        if paths is not UNSET:
            found[name] = tuple(paths)
    return found | resource_fields(host)


def _check(host: HostConfig) -> None:
    if host.runtime not in RUNTIMES:
        raise InvalidInput(f"unknown or invalid runtime name: {host.runtime}")
    if host.isolation not in ("", "default"):
        raise InvalidInput(f"invalid isolation ({host.isolation:.80}): linux only supports 'default'")
    if "" in host.annotations:
        raise InvalidInput("invalid Annotations: the empty string is not permitted as an annotation key")
    if host.storage_opt:
        raise InvalidInput("StorageOpt: limits for a container's files are not supported here: leave out --storage-opt")


def _life_fields(host: HostConfig) -> dict[str, Any]:
    """Return what becomes of the container and of its output, and whose volumes it has."""
    return {
        "auto_remove": host.auto_remove,
        "restart": restart_policy_of(host.restart_policy),
        "log": log_policy(host.log_config.type or "json-file", host.log_config.config),
        "annotations": tuple(host.annotations.items()),
        "volumes_from": tuple(host.volumes_from),
        "volume_driver": host.volume_driver,
        "console_size": host.console_size if any(host.console_size) else None,
    }


def _network_fields(host: HostConfig) -> dict[str, Any]:
    """Return the published ports, and what the container's resolv.conf and hosts say."""
    return {
        "publish": [text for port, places in host.port_bindings.items() for text in _published(port, places)],
        "expose": [port for port, places in host.port_bindings.items() if not places],
        "publish_all": host.publish_all_ports,
        "dns": host.dns,
        "dns_options": host.dns_options,
        "dns_search": host.dns_search,
        "extra_hosts": host.extra_hosts,
    }


def _privilege_fields(host: HostConfig) -> dict[str, Any]:
    return {
        "cap_add": host.cap_add,
        "cap_drop": host.cap_drop,
        "group_add": host.group_add,
        "oom_score_adj": host.oom_score_adj,
        "privileged": host.privileged,
        "read_only": host.readonly_rootfs,
        "security_opt": _safe_security(host.security_opt),
        "sysctls": host.sysctls,
    }


def _namespace_fields(host: HostConfig) -> dict[str, Any]:
    return {
        "cgroupns_mode": host.cgroupns_mode,
        "ipc_mode": host.ipc_mode,
        "isolation": host.isolation,
        "pid_mode": host.pid_mode,
        "uts_mode": host.uts_mode,
        "userns_mode": host.userns_mode,
        "shm_size": host.shm_size,
    }


def restart_policy_of(wanted: RestartPolicyConfig) -> RestartPolicy:
    """Return the restart policy. Raises InvalidInput, in docker's words."""
    return RestartPolicy(wanted.name or "no", wanted.maximum_retry_count)


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
