"""inspect: what there is to say about a container, in the Engine API's words (ContainerInspect)."""

from __future__ import annotations

import os

from labcore.engine.container_state import get, upper_of
from labcore.engine.lifecycle import RUNNING, status_of
from labcore.engine.network_inspect import exposed_ports, network_settings
from labcore.engine.records import run_config
from labcore.storage.volumes import Volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from labcore.engine.engine import Engine
    from labcore.engine.records import Container
    from labcore.images import Config
    from labcore.spec import Mount
    from labcore.spec.network import PortBinding

NEVER = "0001-01-01T00:00:00Z"  # Go's zero time, which docker's clients look for


def inspect(engine: Engine, text: str, *, size: bool = False) -> dict[str, Any]:
    """Return all about a container. Raises NotFound, InvalidInput, StoreDamaged."""
    container = get(engine, text)
    config = run_config(container)
    directory = engine.container_dirs.path(container.id)
    words = (*config.entrypoint, *config.command)
    found = {
        "Id": container.id,
        "Created": container.created,
        "Path": words[0] if words else "",
        "Args": list(words[1:]),
        "State": state_json(container),
        "Image": container.image_id,
        "HostnamePath": _if_there(directory / "hostname"),
        "HostsPath": _if_there(directory / "hosts"),
        "ResolvConfPath": _if_there(directory / "resolv.conf"),
        "LogPath": _if_there(directory / "log"),
        "Name": f"/{container.name}",
        "RestartCount": container.state.restart_count,
        "Driver": "copy" if container.copied else "overlay2",
        "Platform": config.os,
        "HostConfig": _host_config(container),
        "NetworkSettings": network_settings(engine, container),
        "Mounts": [_mount(engine, mount) for mount in container.mounts],
        "Config": _config(container, config),
    }
    if container.layers:
        found["GraphDriver"] = _graph_driver(engine, container)
        if size:
            found["SizeRw"] = engine.uppers.usage(upper_of(container))
    return found


def _if_there(path: os.PathLike[str]) -> str:
    return os.fspath(path) if os.path.exists(path) else ""  # noqa: PTH110  that of an object that is none to Path


def state_json(container: Container) -> dict[str, Any]:
    """Return a container's state."""
    state, status = container.state, status_of(container.state)
    runs = status in RUNNING
    return {
        "Status": status,
        "Running": runs,
        "Paused": state.paused,
        "Restarting": state.restarting,
        "OOMKilled": state.oom_killed,
        "Dead": False,
        "Pid": state.pid,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": state.started or NEVER,
        "FinishedAt": state.finished or NEVER,
    }


def _config(container: Container, config: Config) -> dict[str, Any]:
    options = container.options
    return config.run_json() | {
        "Hostname": options.hostname or container.id[:12],
        "Domainname": options.domainname,
        "User": config.user,
        "AttachStdin": options.open_stdin and options.stdin_once,
        "OpenStdin": options.open_stdin,
        "StdinOnce": options.stdin_once,
        "Tty": options.tty,
        "ExposedPorts": {port: {} for port in exposed_ports(container)},
        "Env": list(config.environment),
        "Cmd": list(config.command),
        "Image": container.image or options.rootfs,
        "Entrypoint": list(config.entrypoint) or None,
        "Labels": dict(config.labels),
        "StopTimeout": options.stop_timeout,
    }


def _host_config(container: Container) -> dict[str, Any]:
    options, limits = container.options, container.options.resources
    return {
        "AutoRemove": options.auto_remove,
        "Privileged": options.privileged,
        "ReadonlyRootfs": options.read_only,
        "CapAdd": list(options.cap_add) or None,
        "CapDrop": list(options.cap_drop) or None,
        "PidMode": options.pid_mode,
        "IpcMode": options.ipc_mode or "private",
        "UTSMode": options.uts_mode,
        "CgroupnsMode": options.cgroupns_mode or "private",
        "UsernsMode": options.userns_mode,
        "NetworkMode": options.network_mode or "none",
        "PortBindings": _port_bindings(options.ports),
        "PublishAllPorts": options.publish_all,
        "Links": [f"{name}:/{container.name}/{alias}" for name, alias in options.links] or None,
        "CgroupParent": options.cgroup_parent,
        "Memory": limits.memory or 0,
        "MemoryReservation": limits.reservation or 0,
        "MemorySwap": limits.swap or 0,
        "CpuShares": limits.cpu_shares or 0,
        "CpuPeriod": limits.cpu_period or 0,
        "CpuQuota": limits.cpu_quota or 0,
        "CpusetCpus": limits.cpus,
        "CpusetMems": limits.mems,
        "PidsLimit": limits.pids,
        "OomScoreAdj": options.oom_score_adj or 0,
        "ShmSize": options.shm_size or 64 << 20,
        "GroupAdd": list(options.group_add) or None,
        "ExtraHosts": [f"{name}:{address}" for name, address in options.extra_hosts] or None,
        "Dns": list(options.dns),
        "DnsSearch": list(options.dns_search),
        "DnsOptions": list(options.dns_options),
        "Init": options.init,
        "Sysctls": dict(options.sysctls),
        "Ulimits": [{"Name": each.name.lower(), "Soft": each.soft, "Hard": each.hard} for each in options.ulimits],
        "Devices": [
            {"PathOnHost": each.source, "PathInContainer": each.target, "CgroupPermissions": each.access}
            for each in options.devices
        ],
        "LogConfig": {"Type": "local", "Config": {"mode": options.log.mode, "max-file": str(options.log.max_files)}},
    }


def _port_bindings(ports: Iterable[PortBinding]) -> dict[str, list[dict[str, str]]]:
    """Return the ports that were asked for (PortMap)."""
    found: dict[str, list[dict[str, str]]] = {}
    for each in ports:
        port = f"{each.host_port}-{each.host_port_last}" if each.host_port_last else str(each.host_port or "")
        found.setdefault(f"{each.container_port}/{each.protocol}", []).append({"HostIp": each.host_ip, "HostPort": port})
    return found


def _mount(engine: Engine, mount: Mount) -> dict[str, Any]:
    mode = ",".join((*mount.options, *(["ro"] if mount.read_only else [])))
    found: dict[str, Any] = {"Type": mount.kind}
    if mount.kind == "volume":
        found |= {"Name": mount.source, "Source": str(engine.volumes.data(Volume(mount.source))), "Driver": "local"}
    elif mount.kind == "bind":
        found["Source"] = mount.source
    return found | {"Destination": mount.target, "Mode": mode, "RW": not mount.read_only, "Propagation": ""}


def _graph_driver(engine: Engine, container: Container) -> dict[str, Any]:
    upper = upper_of(container)
    written = engine.uppers.written(upper)
    if container.copied:
        return {"Name": "copy", "Data": {"RootDir": str(written)}}
    lower = ":".join(map(str, engine.uppers.stack(upper)))
    return {"Name": "overlay2", "Data": {"LowerDir": lower, "UpperDir": str(written), "WorkDir": str(written.parent / "work")}}
