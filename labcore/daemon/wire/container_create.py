"""ContainerCreate: the body of POST /containers/create, and the CreateOptions that it means."""

import os.path
from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET, UnsetType, field

from labcore.daemon.versions import Version
from labcore.daemon.wire.codec import Wire
from labcore.daemon.wire.endpoint_settings import EndpointSettings, endpoint_options_of
from labcore.daemon.wire.health_config import HealthConfig, healthcheck_of
from labcore.daemon.wire.host_config import HostConfig, host_fields
from labcore.daemon.wire.mounts import check_driver, read_mounts
from labcore.errors import InvalidInput
from labcore.options.create import create_options
from labcore.spec import CreateOptions, EndpointOptions

WITHOUT_ENDPOINTS: Final = ("none", "host")
EMPTY_MEANS: Final = ("masked_paths", "readonly_paths")  # an empty list of these says that there is none
SEVERAL_ENDPOINTS: Final = (1, 44)  # the version that brought them
PRIVATE_IPC: Final = (1, 40)  # the first whose containers are not shareable unless they want to, and that limits processes


class NetworkingConfig(Wire):
    """NetworkingConfig: endpoints by the network's name."""

    endpoints_config: dict[str, EndpointSettings] = {}


class ContainerCreate(Wire):
    """ContainerConfig with HostConfig and NetworkingConfig."""

    hostname: str = ""
    domainname: str = ""
    user: str = ""
    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    exposed_ports: dict[str, Any] = {}
    tty: bool = False
    open_stdin: bool = False
    stdin_once: bool = False
    env: list[str] = []
    cmd: list[str] | str = []
    healthcheck: HealthConfig | UnsetType = UNSET
    image: str = ""
    volumes: dict[str, Any] = {}
    working_dir: str = ""
    entrypoint: list[str] | str = []
    network_disabled: bool = False
    mac_address: str = ""
    labels: dict[str, str] = {}
    stop_signal: str = ""
    stop_timeout: int | UnsetType = UNSET
    host_config: HostConfig = field(default_factory=HostConfig)
    networking_config: NetworkingConfig = field(default_factory=NetworkingConfig)


def create_options_of(body: ContainerCreate, *, name: str) -> CreateOptions:
    """Return what the body says, as the engine takes it. Raises InvalidInput."""
    if not body.image:
        raise InvalidInput("config cannot be empty in order to create a container: Image is missing")
    host = body.host_config
    fields = host_fields(host)
    fields["expose"] = [*fields.get("expose", ()), *body.exposed_ports]
    mounts = read_mounts(binds=host.binds, mounts=host.mounts, tmpfs=host.tmpfs, volumes=list(body.volumes))
    if any(each.kind == "volume" for each in mounts):
        check_driver(host.volume_driver)
    said: dict[str, Any] = {
        "name": name.removeprefix("/"),
        "mounts": mounts,
        **_config_fields(body),
        **fields,
        **_network_fields(body),
    }
    given = {key: value for key, value in said.items() if value not in ("", (), [], {}) or key in EMPTY_MEANS}
    if entrypoint := _words(body.entrypoint):
        given["entrypoint"] = [word for word in entrypoint if word or len(entrypoint) > 1]
    return create_options(body.image, _words(body.cmd), **given)


def _config_fields(body: ContainerCreate) -> dict[str, Any]:
    """Return ContainerConfig's fields of which the empty value means nothing."""
    streams = {"stdin": body.attach_stdin, "stdout": body.attach_stdout, "stderr": body.attach_stderr}
    return {
        "hostname": body.hostname,
        "domainname": body.domainname,
        "user": body.user,
        "attached": tuple(stream for stream, wanted in streams.items() if wanted),
        "tty": body.tty,
        "open_stdin": body.open_stdin,
        "stdin_once": body.stdin_once,
        "environment": _environment(body.env),
        "workdir": os.path.normpath(body.working_dir) if body.working_dir else "",
        "labels": body.labels,
        "stop_signal": body.stop_signal,
        "healthcheck": None if body.healthcheck is UNSET else healthcheck_of(body.healthcheck),
    } | ({} if body.stop_timeout is UNSET else {"stop_timeout": body.stop_timeout})


def _words(value: list[str] | str) -> list[str]:
    return [value] if isinstance(value, str) else value


def adapt_to_version(body: ContainerCreate, version: Version) -> None:
    """Give a body the meaning that it had in older versions. Raises InvalidInput."""
    names = sorted(body.networking_config.endpoints_config)
    if version < SEVERAL_ENDPOINTS and len(names) > 1:
        raise InvalidInput(f"Container cannot be created with multiple network endpoints: {', '.join(names)}")
    if version < PRIVATE_IPC:
        body.host_config.ipc_mode = body.host_config.ipc_mode or "shareable"
        body.host_config.pids_limit = 0


def _environment(entries: list[str]) -> tuple[tuple[str, str | None], ...]:
    """Return variables; an entry without `=` takes the image's away."""
    found: dict[str, str | None] = {}
    for entry in entries:
        variable, equals, value = entry.partition("=")
        if not variable or "\0" in entry:
            raise InvalidInput(f"invalid environment variable: {entry:.80}")
        found[variable] = value if equals else None
    return tuple(found.items())


def _network_fields(body: ContainerCreate) -> dict[str, Any]:
    """Return the networks that the mode and the endpoints name, the mode's own first."""
    host = body.host_config
    mode = "none" if body.network_disabled else host.network_mode
    named = body.networking_config.endpoints_config
    if mode in ("", "default", "bridge"):
        mode = next(iter(named), "bridge") if not mode and "bridge" not in named and "default" not in named else "bridge"
    if mode in WITHOUT_ENDPOINTS or mode.startswith("container:"):
        _check_alone(mode, named)
        return {"network": [EndpointOptions(mode)], "links": host.links}
    endpoints = {("bridge" if name == "default" else name): settings for name, settings in named.items()}
    endpoints = {mode: endpoints.pop(mode, EndpointSettings()), **endpoints}
    wanted = [endpoint_options_of(name, settings) for name, settings in endpoints.items()]
    if body.mac_address and not wanted[0].mac_address:
        wanted[0] = wanted[0].replace(mac_address=body.mac_address)
    return {"network": wanted, "links": host.links}


def _check_alone(mode: str, named: Mapping[str, EndpointSettings]) -> None:
    if further := [name for name in named if name not in (mode, "default")]:
        raise InvalidInput(f"conflicting options: network {further[0]} does not go together with the network mode {mode}")
