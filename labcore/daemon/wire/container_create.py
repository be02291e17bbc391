"""ContainerCreate: the body of POST /containers/create, and the CreateOptions that it means."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET, UnsetType, field

from labcore.daemon.wire.codec import Wire
from labcore.daemon.wire.host_config import HostConfig, host_fields
from labcore.daemon.wire.mounts import read_mounts
from labcore.daemon.wire.networks import EndpointSettings, endpoint_options_of
from labcore.engine.fields import create_options
from labcore.errors import InvalidInput
from labcore.spec import CreateOptions, EndpointOptions, Healthcheck

WITHOUT_ENDPOINTS: Final = ("none", "host")
EMPTY_MEANS: Final = ("masked_paths", "readonly_paths")  # an empty list of these says that there is none
SECOND: Final = 10**9  # in nanoseconds
LEAST_INTERVAL: Final = 10**6  # nanoseconds: docker's minimum of a health check's times


class HealthConfig(Wire):
    """A health check; times in nanoseconds."""

    test: list[str] = []
    interval: int = 0
    timeout: int = 0
    retries: int = 0
    start_period: int = 0
    start_interval: int = 0


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
    host = body.host_config
    if not body.image:
        raise InvalidInput("config cannot be empty in order to create a container: Image is missing")
    streams = {"stdin": body.attach_stdin, "stdout": body.attach_stdout, "stderr": body.attach_stderr}
    entrypoint = [body.entrypoint] if isinstance(body.entrypoint, str) else body.entrypoint
    fields = host_fields(host)
    fields["expose"] = [*fields.get("expose", ()), *body.exposed_ports]
    said: dict[str, Any] = {
        "name": name.removeprefix("/"),
        "hostname": body.hostname,
        "domainname": body.domainname,
        "user": body.user,
        "attached": tuple(stream for stream, wanted in streams.items() if wanted),
        "tty": body.tty,
        "open_stdin": body.open_stdin,
        "stdin_once": body.stdin_once,
        "environment": _environment(body.env),
        "workdir": body.working_dir,
        "labels": body.labels,
        "stop_signal": body.stop_signal,
        "mounts": read_mounts(binds=host.binds, mounts=host.mounts, tmpfs=host.tmpfs, volumes=list(body.volumes)),
        "healthcheck": None if body.healthcheck is UNSET else healthcheck_of(body.healthcheck),
        **fields,
        **_network_fields(body),
    }
    if body.stop_timeout is not UNSET:
        said["stop_timeout"] = body.stop_timeout
    given = {key: value for key, value in said.items() if value not in ("", (), [], {}) or key in EMPTY_MEANS}
    if entrypoint:
        given["entrypoint"] = [word for word in entrypoint if word or len(entrypoint) > 1]
    words = [body.cmd] if isinstance(body.cmd, str) else body.cmd
    return create_options(body.image, words, **given)


def _environment(entries: list[str]) -> tuple[tuple[str, str | None], ...]:
    """Return variables; an entry without `=` takes the image's away."""
    found: dict[str, str | None] = {}
    for entry in entries:
        variable, equals, value = entry.partition("=")
        if not variable or "\0" in entry:
            raise InvalidInput(f"invalid environment variable: {entry!r:.80}")
        found[variable] = value if equals else None
    return tuple(found.items())


def healthcheck_of(config: HealthConfig) -> Healthcheck:
    """Return the health check. Raises InvalidInput, in docker's words."""
    times = {
        "Interval": config.interval,
        "Timeout": config.timeout,
        "StartPeriod": config.start_period,
        "StartInterval": config.start_interval,
    }
    for name, value in times.items():
        if value and value < LEAST_INTERVAL:
            raise InvalidInput(f"{name} in Healthcheck cannot be less than 1ms")
    if config.retries < 0:
        raise InvalidInput("Retries in Healthcheck cannot be negative")
    return Healthcheck(
        tuple(config.test), config.interval, config.timeout, config.start_period, config.start_interval, config.retries
    )


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
