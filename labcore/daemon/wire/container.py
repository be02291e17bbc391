"""Containers as the API shows them: ContainerInspectResponse and ContainerSummary."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

from labcore.daemon.wire.codec import ZERO_TIME
from labcore.daemon.wire.host_config_json import host_config_json
from labcore.daemon.wire.images import graph_driver
from labcore.daemon.wire.mounts import is_tmpfs_option, propagation_of
from labcore.daemon.wire.network_json import network_settings
from labcore.engine.container.lifecycle import status_of
from labcore.engine.container.listing import command_line, status_line
from labcore.engine.container.state import get, upper_of
from labcore.engine.engine import Engine
from labcore.engine.network.inspect import NetworkView, bindings, endpoints_of, exposed_ports, has_gateway, network_id
from labcore.engine.records.records import Container, run_config
from labcore.engine.supervision.health_state import Health
from labcore.errors import NotFound
from labcore.images.config import Config, healthcheck_json
from labcore.spec import CreateOptions, Mount
from labcore.spec.network import Endpoint
from labcore.storage.tree import size_of
from labcore.storage.volumes import Volume
from labcore.timestamps import SECOND, parse_rfc3339


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
        "State": state_json(container, engine.health_of(container.id)),
        "Image": container.image_id,
        "ResolvConfPath": _if_there(directory / "resolv.conf"),
        "HostnamePath": _if_there(directory / "hostname"),
        "HostsPath": _if_there(directory / "hosts"),
        "LogPath": _if_there(directory / "log") if container.options.log.driver == "json-file" else "",
        "Name": f"/{container.name}",
        "RestartCount": container.state.restart_count,
        "Driver": driver_of(container),
        "Platform": config.os,
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": container.options.apparmor,
        "ExecIDs": None,
        "HostConfig": host_config_json(container.options) | {"Links": _links(engine, container) or None},
        "GraphDriver": {"Name": driver_of(container), "Data": _graph_data(engine, container) if container.layers else None},
        "Mounts": [mount_point(engine, container, mount) for mount in container.mounts if not is_tmpfs_option(mount)],
        "Config": _config(container, config),
        "NetworkSettings": settings_json(engine, container),
    }
    return found | (_sizes(engine, container) if size else {})


def _listed_sizes(engine: Engine, container: Container) -> dict[str, int]:
    """Return its sizes as a list has them: docker leaves out what is 0."""
    return {name: size for name, size in _sizes(engine, container).items() if size}


def _sizes(engine: Engine, container: Container) -> dict[str, int]:
    if not container.layers:
        return {"SizeRw": 0, "SizeRootFs": 0}
    written = size_of(engine.uppers.written(upper_of(container)), apparent=True)
    below = sum(size_of(layer, apparent=True) for layer in engine.uppers.stack(upper_of(container)))
    return {"SizeRw": written, "SizeRootFs": written + below}


def _if_there(path: os.PathLike[str]) -> str:
    return os.fspath(path) if os.path.exists(path) else ""  # noqa: PTH110  that of an object that is none to Path


def driver_of(container: Container) -> str:
    """Return the name of the graph driver that keeps a container's files."""
    return graph_driver("copy" if container.copied else "overlay")


def state_json(container: Container, health: Health | None) -> dict[str, Any]:
    """Return a container's state, with its health if it has a check."""
    state, status = container.state, status_of(container)
    return {
        "Status": status,
        "Running": status in ("running", "paused", "restarting"),
        "Paused": status == "paused",
        "Restarting": status == "restarting",
        "OOMKilled": state.oom_killed,
        "Dead": status == "dead",
        "Pid": state.pid,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": state.started or ZERO_TIME,
        "FinishedAt": state.finished or ZERO_TIME,
    } | ({"Health": _health(health)} if health else {})


def _health(health: Health) -> dict[str, Any]:
    results = [{"Start": each.start, "End": each.end, "ExitCode": each.exit_code, "Output": each.output} for each in health.log]
    return {"Status": health.status, "FailingStreak": health.failing_streak, "Log": results}


def _config(container: Container, config: Config) -> dict[str, Any]:
    options, ports = container.options, exposed_ports(container)
    check = config.healthcheck
    found = {
        "Hostname": options.hostname or container.id[:12],
        "Domainname": options.domainname,
        "User": config.user,
        "AttachStdin": "stdin" in options.attached,
        "AttachStdout": "stdout" in options.attached,
        "AttachStderr": "stderr" in options.attached,
        "ExposedPorts": {port: {} for port in ports},
        "Tty": options.tty,
        "OpenStdin": options.open_stdin,
        "StdinOnce": options.stdin_once,
        "Env": list(config.environment),
        "Cmd": list(config.command) or None,
        "Healthcheck": healthcheck_json(check) if check else None,
        "Image": container.image or options.rootfs,
        "Volumes": {path: {} for path in (*config.volumes, *_asked_volumes(options))} or None,
        "WorkingDir": config.workdir,
        "Entrypoint": list(config.entrypoint) or None,
        "OnBuild": list(config.on_build) or None,
        "Labels": dict(config.labels),
        "StopSignal": options.stop_signal or config.stop_signal,
        "StopTimeout": options.stop_timeout,
        "Shell": list(config.shell) or None,
    }
    optional = ("ExposedPorts", "Healthcheck", "StopSignal", "StopTimeout", "Shell")
    return {name: value for name, value in found.items() if name not in optional or value not in (None, {}, "")}


def _links(engine: Engine, container: Container) -> list[str]:
    found = []
    for id, alias in container.options.links:
        with suppress(NotFound):  # a link to one that has been removed is none any more
            found.append(f"/{engine.records.find(id).name}:/{container.name}/{alias}")
    return found


def _asked_volumes(options: CreateOptions) -> list[str]:
    """Return where a volume is asked for that nobody names."""
    return [mount.target for mount in options.mounts if mount.kind == "volume" and not mount.source]


def mount_point(engine: Engine, container: Container, mount: Mount) -> dict[str, Any]:
    """Return a mount as it is (MountPoint)."""
    found: dict[str, Any] = {"Type": mount.kind}
    if mount.kind == "volume":
        found |= {"Name": mount.source, "Source": str(engine.volumes.data(Volume(mount.source))), "Driver": "local"}
    else:
        found["Source"] = mount.source
    is_named = mount.kind == "volume" and not mount.is_drawn and mount in container.options.mounts
    return found | {
        "Destination": mount.target,
        "Mode": mount.mode or ("z" if is_named else ""),
        "RW": not mount.read_only,
        "Propagation": propagation_of(mount),
    }


def _graph_data(engine: Engine, container: Container) -> dict[str, str]:
    upper = upper_of(container)
    written = engine.uppers.written(upper)
    if container.copied:
        return {"RootDir": str(written)}
    lower = ":".join(map(str, engine.uppers.stack(upper)))
    return {
        "ID": container.id,
        "LowerDir": lower,
        "MergedDir": str(written.parent / "merged"),
        "UpperDir": str(written),
        "WorkDir": str(written.parent / "work"),
    }


def settings_json(engine: Engine, container: Container) -> dict[str, Any]:
    """Return NetworkSettings: by network, and of the default bridge once more at the top, as older clients read it."""
    found = network_settings(container, endpoints_of(engine, container), partial(network_id, engine))
    bridge = found["Networks"].get("bridge", {})
    running = status_of(container) in ("running", "paused")
    return {
        "Bridge": "",
        "SandboxID": container.id if running else "",
        "SandboxKey": f"/proc/{container.state.pid}/ns/net" if running else "",
        "Ports": found["Ports"],
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "SecondaryIPAddresses": None,
        "SecondaryIPv6Addresses": None,
        **{name: bridge.get(name, empty) for name, empty in OF_BRIDGE.items()},
        "Networks": found["Networks"],
    }


OF_BRIDGE: Final[dict[str, Any]] = {
    "EndpointID": "",
    "Gateway": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "IPAddress": "",
    "IPPrefixLen": 0,
    "IPv6Gateway": "",
    "MacAddress": "",
}


# --- in a list


def summaries(
    engine: Engine, containers: Iterable[Container], linked: Mapping[str, list[str]] = {}, *, size: bool = False
) -> list[dict[str, Any]]:
    """Return containers as a list has them (ContainerSummary); `linked` are the names that links give them, by their IDs."""
    view = NetworkView(engine)
    return [
        _summary(engine, each, view, linked.get(each.id, [])) | (_listed_sizes(engine, each) if size else {})
        for each in containers
    ]


def _summary(engine: Engine, container: Container, view: NetworkView, linked: list[str]) -> dict[str, Any]:
    image, endpoints = container.image or container.options.rootfs, view.endpoints(container)
    return {
        "Id": container.id,
        "Names": [f"/{container.name}", *linked],
        "Image": image,
        "ImageID": container.image_id,
        "Command": command_line(container),
        "Created": parse_rfc3339(container.created) // SECOND,
        "Ports": ports_json(container, endpoints),
        "Labels": container.labels(),
        "State": status_of(container),
        "Status": status_line(container, health=engine.health_status(container.id)),
        "HostConfig": _summary_host_config(container.options),
        "NetworkSettings": {"Networks": network_settings(container, endpoints, view.network_id)["Networks"]},
        "Mounts": [mount_point(engine, container, mount) for mount in container.mounts if not is_tmpfs_option(mount)],
    }


def _summary_host_config(options: CreateOptions) -> dict[str, Any]:
    annotations = {"Annotations": dict(options.annotations)} if options.annotations else {}
    return {"NetworkMode": options.network_mode or "none", **annotations}


def ports_json(container: Container, endpoints: Iterable[Endpoint]) -> list[dict[str, Any]]:
    """Return ports, published or only exposed (Port)."""
    endpoints = list(endpoints) if status_of(container) in ("running", "paused") else []
    published = list(bindings(endpoints))
    found = [_port(port) | {"IP": at.host_ip, "PublicPort": at.host_port} for port, at in published]
    taken = {port for port, _ in published}
    exposed = exposed_ports(container) if has_gateway(endpoints) else []
    return found + [_port(port) for port in exposed if port not in taken]


def _port(port: str) -> dict[str, Any]:
    number, _, protocol = port.partition("/")
    return {"PrivatePort": int(number), "Type": protocol or "tcp"}
