"""The daemon's defaults: what its options give containers whose creators want nothing else."""

from labcore.daemon.settings import Settings
from labcore.daemon.wire.container_create import ContainerCreate
from labcore.daemon.wire.host_config import LogConfig
from labcore.daemon.wire.resources import Ulimit
from labcore.engine.limit_forms import id_range, ulimit
from labcore.engine.log_forms import log_policy
from labcore.spec import CreateOptions


def check(settings: Settings) -> None:
    """Refuse defaults that no container could have. Raises InvalidInput."""
    log_policy(settings.log_driver, dict(settings.log_options))
    for text in settings.ulimits:
        ulimit("default-ulimit", text)
    if settings.userns_remap:
        id_range("userns-remap", settings.userns_remap)


def complete_body(body: ContainerCreate, settings: Settings) -> None:
    """Fill in the log driver and the resource limits that a request does not name."""
    host = body.host_config
    if not host.log_config.type:
        own = host.log_config.config
        host.log_config = LogConfig(type=settings.log_driver, config=dict(settings.log_options) | own)
    named = {each.name.lower() for each in host.ulimits}
    found = [ulimit("default-ulimit", text) for text in settings.ulimits]
    more = [Ulimit(name=each.name.lower(), soft=each.soft, hard=each.hard) for each in found if each.name.lower() not in named]
    host.ulimits = [*host.ulimits, *more]


def complete_options(options: CreateOptions, settings: Settings) -> CreateOptions:
    """Return a container's options with its users mapped as the daemon's are, unless it wants the host's."""
    if not settings.userns_remap or options.userns_mode == "host" or options.privileged:
        return options
    return options.replace(userns_remap=id_range("userns-remap", settings.userns_remap))
