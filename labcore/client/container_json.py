"""The body of POST /containers/create (ContainerConfig, HostConfig, NetworkingConfig), made of CreateOptions.

What is as it is by default is left out: the image or the daemon decides it.
"""

from __future__ import annotations

from labcore.client.mount_json import mounts_json
from labcore.client.network_json import endpoint_json
from labcore.client.resources_json import resources_json
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Final

    from labcore.spec import CreateOptions, Healthcheck, LogPolicy, PortBinding, RestartPolicy

OF_THE_LIBRARY: Final = ("rootfs", "userns_remap")  # what no container has that a daemon makes


def said(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value}


def container_json(options: CreateOptions) -> dict[str, Any]:
    """Return the body. Raises InvalidInput for what the Engine API has no words for."""
    for name in OF_THE_LIBRARY:
        if getattr(options, name):
            raise InvalidInput(f"{name}: the Engine API has no such field: leave it out, or use labcore.run")
    if not options.image:
        raise InvalidInput("image: a container is made from one: name it")
    mounts = mounts_json(options.mounts)
    ports = [f"{each.container_port}/{each.protocol}" for each in options.ports]
    body: dict[str, Any] = {
        "Image": options.image,
        "Cmd": list(options.command),
        "Hostname": options.hostname,
        "Domainname": options.domainname,
        "User": options.user,
        "Env": [name if value is None else f"{name}={value}" for name, value in options.environment],
        "WorkingDir": options.workdir,
        "Labels": dict(options.labels),
        "StopSignal": options.stop_signal,
        "Tty": options.tty,
        "OpenStdin": options.open_stdin,
        "StdinOnce": options.stdin_once,
        **{f"Attach{name.title()}": name in options.attached for name in ("stdin", "stdout", "stderr")},
        "ExposedPorts": {port: {} for port in (*options.exposed_ports, *ports)},
        "Volumes": mounts.pop("Volumes"),
        "HostConfig": said(_host_json(options) | mounts) | _paths_json(options) | resources_json(options),
        "NetworkingConfig": said({"EndpointsConfig": {each.network: endpoint_json(each) for each in options.networks}}),
    }
    body = said(body)
    if options.entrypoint is not None:
        body["Entrypoint"] = list(options.entrypoint) or [""]
    if options.stop_timeout is not None:
        body["StopTimeout"] = options.stop_timeout
    if options.healthcheck is not None:
        body["Healthcheck"] = healthcheck_json(options.healthcheck)
    return body


def healthcheck_json(check: Healthcheck) -> dict[str, Any]:
    """Return HealthConfig; times in nanoseconds."""
    return said(
        {
            "Test": list(check.test),
            "Interval": check.interval,
            "Timeout": check.timeout,
            "StartPeriod": check.start_period,
            "StartInterval": check.start_interval,
            "Retries": check.retries,
        }
    )


def _host_json(options: CreateOptions) -> dict[str, Any]:
    return {
        "AutoRemove": options.auto_remove,
        "RestartPolicy": {} if options.restart.name == "no" else restart_json(options.restart),
        "LogConfig": log_json(options.log),
        "Annotations": dict(options.annotations),
        "ConsoleSize": list(options.console_size or ()),
        "Privileged": options.privileged,
        "ReadonlyRootfs": options.read_only,
        "CapAdd": list(options.cap_add),
        "CapDrop": list(options.cap_drop),
        "SecurityOpt": _security_json(options),
        "GroupAdd": list(options.group_add),
        "PidMode": options.pid_mode,
        "IpcMode": options.ipc_mode,
        "UTSMode": options.uts_mode,
        "Isolation": options.isolation,
        "CgroupnsMode": options.cgroupns_mode,
        "UsernsMode": options.userns_mode,
        "OomScoreAdj": options.oom_score_adj or 0,
        "ShmSize": options.shm_size or 0,
        "Sysctls": dict(options.sysctls),
        "VolumesFrom": list(options.volumes_from),
        "VolumeDriver": options.volume_driver,
        "NetworkMode": options.network_mode,
        "PortBindings": port_bindings_json(options.ports),
        "PublishAllPorts": options.publish_all,
        "Links": [f"{name}:{alias}" for name, alias in options.links],
        "ExtraHosts": [f"{name}:{address}" for name, address in options.extra_hosts],
        "Dns": list(options.dns),
        "DnsSearch": list(options.dns_search),
        "DnsOptions": list(options.dns_options),
    }


def _paths_json(options: CreateOptions) -> dict[str, list[str]]:
    """Return the paths that are hidden or not written to, of which an empty list is one, too."""
    paths = {"MaskedPaths": options.masked_paths, "ReadonlyPaths": options.readonly_paths}
    return {name: list(found) for name, found in paths.items() if found is not None}


def restart_json(policy: RestartPolicy) -> dict[str, Any]:
    """Return RestartPolicy."""
    return {"Name": policy.name, "MaximumRetryCount": policy.max_retries}


def log_json(policy: LogPolicy) -> dict[str, Any]:
    """Return LogConfig; nothing for the default policy, which is the daemon's own."""
    changed = policy.as_dict()
    config = {
        "max-size": str(policy.max_size),
        "max-file": str(policy.max_files),
        "mode": policy.mode,
        "max-buffer-size": str(policy.buffer),
    }
    fields = {"max-size": "max_size", "max-file": "max_files", "mode": "mode", "max-buffer-size": "buffer"}
    defaults = type(policy)._fields
    config = {name: text for name, text in config.items() if changed[fields[name]] != defaults[fields[name]]}
    config |= dict(policy.details)
    return {"Type": policy.driver, "Config": config} if config or policy.driver != defaults["driver"] else {}


def _security_json(options: CreateOptions) -> list[str]:
    found = ["no-new-privileges"] if options.no_new_privileges else []
    found += [f"seccomp={options.seccomp}"] if options.seccomp else []
    found += [] if options.writable_cgroups is None else [f"writable-cgroups={str(options.writable_cgroups).lower()}"]
    return found + ([f"apparmor={options.apparmor}"] if options.apparmor else [])


def port_bindings_json(ports: Iterable[PortBinding]) -> dict[str, list[dict[str, str]]]:
    """Return published ports (PortMap)."""
    found: dict[str, list[dict[str, str]]] = {}
    for each in ports:
        port = f"{each.host_port}-{each.host_port_last}" if each.host_port_last else str(each.host_port or "")
        found.setdefault(f"{each.container_port}/{each.protocol}", []).append({"HostIp": each.host_ip, "HostPort": port})
    return found
