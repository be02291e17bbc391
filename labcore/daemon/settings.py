"""Settings of the daemon: how it was started, `labcore daemon`'s options."""

from pathlib import Path

from labcore.engine.image.endpoint import RegistryOptions
from labcore.errors import InvalidInput
from labcore.record import Record


class TLS(Record):
    """TLS on TCP: its certificate and key; with `ca`, only clients with a certificate of that authority are let in."""

    certificate: Path
    key: Path
    ca: Path | None = None


class Settings(Record):
    """How the daemon was started.

    `labels` are its own. `log_driver`, `log_options`, `ulimits` (`nofile=1024:2048`) and `userns_remap` are for containers
    whose creators want nothing else. After `idle_exit_seconds` without requests and running containers it ends.
    The functions of the file `stages` take the place of the launch's stages of their names: `labcore.engine.stages`.
    """

    hosts: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    debug: bool = False
    group: str = ""
    tls: TLS | None = None
    log_driver: str = "json-file"
    log_options: tuple[tuple[str, str], ...] = ()
    ulimits: tuple[str, ...] = ()
    userns_remap: str = ""
    registries: RegistryOptions = RegistryOptions()
    idle_exit_seconds: float | None = None
    stages: Path | None = None

    def __post_init__(self) -> None:
        if self.idle_exit_seconds is not None and self.idle_exit_seconds <= 0:
            raise InvalidInput(f"idle-exit {self.idle_exit_seconds:g}: seconds are wanted")
