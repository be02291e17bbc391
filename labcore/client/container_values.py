"""Containers as the daemon shows them: a list's line, inspect's whole, what wait, top, stats and changes answer."""

from __future__ import annotations

from labcore.client.answer import Answer, flag, mapping, number, record, records, records_by_name, text, texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Port(Answer):
    """A port of a container; `public_port` 0 is one that is exposed and not published."""

    host_ip: str = text("IP")
    private_port: int = number("PrivatePort")
    public_port: int = number("PublicPort")
    protocol: str = text("Type")


class Endpoint(Answer):
    """A container's place on a network (EndpointSettings)."""

    network_id: str = text("NetworkID")
    ipv4: str = text("IPAddress")
    ipv4_prefix_length: int = number("IPPrefixLen")
    ipv6: str = text("GlobalIPv6Address")
    gateway: str = text("Gateway")
    mac_address: str = text("MacAddress")
    aliases: tuple[str, ...] = texts("Aliases")


class MountPoint(Answer):
    """Something from outside at a path of a container."""

    kind: str = text("Type")
    name: str = text("Name")
    source: str = text("Source")
    target: str = text("Destination")
    driver: str = text("Driver")
    mode: str = text("Mode")
    is_writable: bool = flag("RW")


class HostPort(Answer):
    """Where a published port answers; `port` is its number as text."""

    ip: str = text("HostIp")
    port: str = text("HostPort")


class _Endpoints(Answer):
    networks: Mapping[str, Endpoint] = records_by_name("Networks", Endpoint)
    ports: Mapping[str, Any] = mapping("Ports")


class ContainerSummary(Answer):
    """A line of `docker ps`; `created` in seconds since 1970."""

    id: str = text("Id")
    names: tuple[str, ...] = texts("Names")
    image: str = text("Image")
    image_id: str = text("ImageID")
    command: str = text("Command")
    created: int = number("Created")
    state: str = text("State")
    status: str = text("Status")
    labels: Mapping[str, str] = mapping("Labels")
    ports: tuple[Port, ...] = records("Ports", Port)
    mounts: tuple[MountPoint, ...] = records("Mounts", MountPoint)
    size_rw: int = number("SizeRw")
    size_root_fs: int = number("SizeRootFs")
    _endpoints: _Endpoints = record("NetworkSettings", _Endpoints)

    @property
    def name(self) -> str:
        """The container's own name, without the slash; those of links come after it."""
        return self.names[0].removeprefix("/") if self.names else ""

    @property
    def networks(self) -> Mapping[str, Endpoint]:
        """The networks that it is connected to, by name."""
        return self._endpoints.networks


class HealthState(Answer):
    """How a container's health check goes; `log` has its last five runs."""

    status: str = text("Status")
    failing_streak: int = number("FailingStreak")


class ContainerState(Answer):
    """State of a container; times are RFC 3339's."""

    status: str = text("Status")
    is_running: bool = flag("Running")
    is_paused: bool = flag("Paused")
    oom_killed: bool = flag("OOMKilled")
    pid: int = number("Pid")
    exit_code: int = number("ExitCode")
    error: str = text("Error")
    started_at: str = text("StartedAt")
    finished_at: str = text("FinishedAt")
    health: HealthState = record("Health", HealthState)


class ContainerConfig(Answer):
    """What a container was made with, of its own and its image's."""

    hostname: str = text("Hostname")
    image: str = text("Image")
    user: str = text("User")
    command: tuple[str, ...] = texts("Cmd")
    entrypoint: tuple[str, ...] = texts("Entrypoint")
    environment: tuple[str, ...] = texts("Env")
    workdir: str = text("WorkingDir")
    labels: Mapping[str, str] = mapping("Labels")
    tty: bool = flag("Tty")
    open_stdin: bool = flag("OpenStdin")


class Container(Answer):
    """A container, as inspect shows it."""

    id: str = text("Id")
    _name: str = text("Name")
    created: str = text("Created")
    image_id: str = text("Image")
    path: str = text("Path")
    arguments: tuple[str, ...] = texts("Args")
    restart_count: int = number("RestartCount")
    driver: str = text("Driver")
    state: ContainerState = record("State", ContainerState)
    config: ContainerConfig = record("Config", ContainerConfig)
    host_config: Mapping[str, Any] = mapping("HostConfig")
    mounts: tuple[MountPoint, ...] = records("Mounts", MountPoint)
    _endpoints: _Endpoints = record("NetworkSettings", _Endpoints)

    @property
    def published(self) -> Mapping[str, tuple[HostPort, ...]]:
        """The ports that are published, `80/tcp`, and where each answers."""
        return {port: tuple(map(HostPort, bindings)) for port, bindings in self._endpoints.ports.items() if bindings}

    @property
    def name(self) -> str:
        """The name, without the slash."""
        return self._name.removeprefix("/")

    @property
    def networks(self) -> Mapping[str, Endpoint]:
        """The networks that it is connected to, by name."""
        return self._endpoints.networks


class _WaitError(Answer):
    message: str = text("Message")


class Exited(Answer):
    """How a container has ended: `error` is empty unless it could not even be removed or started."""

    exit_code: int = number("StatusCode")
    _error: _WaitError = record("Error", _WaitError)

    @property
    def error(self) -> str:
        """What went wrong, in the daemon's words."""
        return self._error.message


class Top(Answer):
    """Processes of a container, as ps(1) shows them."""

    titles: tuple[str, ...] = texts("Titles")

    @property
    def processes(self) -> tuple[tuple[str, ...], ...]:
        """Rows, a text for each title."""
        return tuple(tuple(map(str, row)) for row in self.json.get("Processes") or ())


class Change(Answer):
    """A path that differs from the image's: `kind` 0 was modified, 1 added, 2 deleted."""

    path: str = text("Path")
    kind: int = number("Kind")


class Stats(Answer):
    """A reading of what a container uses; `json` has all of it."""

    id: str = text("id")
    name: str = text("name")
    read: str = text("read")
    cpu: Mapping[str, Any] = mapping("cpu_stats")
    cpu_before: Mapping[str, Any] = mapping("precpu_stats")
    memory: Mapping[str, Any] = mapping("memory_stats")
    processes: Mapping[str, int] = mapping("pids_stats")
    block: Mapping[str, Any] = mapping("blkio_stats")
    networks: Mapping[str, Mapping[str, int]] = mapping("networks")


class PathStat(Answer):
    """A path in a container; `mode` is Go's (io/fs, FileMode)."""

    name: str = text("name")
    size: int = number("size")
    mode: int = number("mode")
    modified: str = text("mtime")
    link_target: str = text("linkTarget")

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return bool(self.mode & 1 << 31)


class Pruned(Answer):
    """What was removed, and how many bytes that has freed."""

    containers: tuple[str, ...] = texts("ContainersDeleted")
    volumes: tuple[str, ...] = texts("VolumesDeleted")
    networks: tuple[str, ...] = texts("NetworksDeleted")
    space_reclaimed: int = number("SpaceReclaimed")
