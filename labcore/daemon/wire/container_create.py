"""ContainerCreate: the body of POST /containers/create, and the CreateOptions that it means."""

from msgspec import field

from labcore.daemon.wire.codec import Wire
from labcore.engine.fields import create_options
from labcore.spec import CreateOptions


class HostConfig(Wire):
    """HostConfig: what the host gives the container."""

    binds: list[str] = []
    auto_remove: bool = False
    network_mode: str = "default"
    privileged: bool = False


class ContainerCreate(Wire):
    """ContainerConfig with HostConfig and NetworkingConfig."""

    image: str = ""
    cmd: list[str] | str = []
    entrypoint: list[str] | str | None = None
    env: list[str] = []
    tty: bool = False
    open_stdin: bool = False
    stdin_once: bool = False
    labels: dict[str, str] = {}
    host_config: HostConfig = field(default_factory=HostConfig)


def create_options_of(body: ContainerCreate, *, name: str) -> CreateOptions:
    """Return what the body says, as the engine takes it. Raises InvalidInput."""
    host = body.host_config
    network = "bridge" if host.network_mode == "default" else host.network_mode
    return create_options(
        body.image,
        [body.cmd] if isinstance(body.cmd, str) else body.cmd,
        name=name.removeprefix("/"),
        env=body.env,
        entrypoint=body.entrypoint or None,
        tty=body.tty,
        open_stdin=body.open_stdin,
        stdin_once=body.stdin_once,
        labels=body.labels,
        volumes=host.binds,
        auto_remove=host.auto_remove,
        privileged=host.privileged,
        network=network,
    )
