"""The body of POST /commit: a ContainerConfig, whose fields win over the container's."""

from labcore.daemon.wire.codec import Wire
from labcore.daemon.wire.health_config import HealthConfig, healthcheck_of
from labcore.images.config import Config


class CommitConfig(Wire):
    """ContainerConfig, as far as an image has it."""

    user: str = ""
    exposed_ports: dict[str, dict[str, str]] = {}
    env: list[str] = []
    cmd: list[str] | str = []
    entrypoint: list[str] | str = []
    volumes: dict[str, dict[str, str]] = {}
    working_dir: str = ""
    labels: dict[str, str] = {}
    stop_signal: str = ""
    shell: list[str] = []
    on_build: list[str] = []
    healthcheck: HealthConfig | None = None


def merged(body: CommitConfig, config: Config) -> Config:
    """Return the config with what the body says: lists of names are joined, everything else replaced."""
    environment = {line.partition("=")[0]: line for line in (*config.environment, *body.env)}
    entrypoint, command = _words(body.entrypoint), _words(body.cmd)
    health = body.healthcheck
    return config.replace(
        user=body.user or config.user,
        exposed_ports=tuple(sorted({*config.exposed_ports, *body.exposed_ports})),
        environment=tuple(environment.values()),
        entrypoint=entrypoint or config.entrypoint,
        command=command or (() if entrypoint else config.command),
        volumes=tuple(sorted({*config.volumes, *body.volumes})),
        workdir=body.working_dir or config.workdir,
        labels=tuple(sorted((dict(config.labels) | body.labels).items())),
        stop_signal=body.stop_signal or config.stop_signal,
        shell=tuple(body.shell) or config.shell,
        on_build=tuple(body.on_build) or config.on_build,
        healthcheck=healthcheck_of(health) if health else config.healthcheck,
    )


def changed(config: Config, text: str) -> Config:
    """Return the config after the instructions of `changes`: `labcore.builder.image_config`. Raises InvalidInput."""
    if not text.strip():
        return config
    from labcore.builder.image_config import changed as by_instructions  # the builder, which few need for this

    return by_instructions(config, text)


def _words(value: list[str] | str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
