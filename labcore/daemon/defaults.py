"""The daemon's defaults: what its options give containers whose creators want nothing else."""

import grp
import pwd
from typing import Final

from labcore.daemon.settings import Settings
from labcore.daemon.wire.container_create import ContainerCreate
from labcore.daemon.wire.host_config import LogConfig
from labcore.daemon.wire.resources import Ulimit
from labcore.errors import InvalidInput
from labcore.options.limits import id_range, ulimit
from labcore.options.log import log_policy
from labcore.runtime.userns import subordinate
from labcore.spec import CreateOptions, IdRange

DEFAULT_USER: Final = "dockremap"  # dockerd's, of the name `default`
SUBORDINATE: Final = ("/etc/subuid", "/etc/subgid")  # subuid(5), subgid(5)


def check(settings: Settings) -> None:
    """Refuse defaults that no container could have. Raises InvalidInput."""
    log_policy(settings.log_driver, dict(settings.log_options))
    for text in settings.ulimits:
        ulimit("default-ulimit", text)
    if settings.userns_remap:
        remapped(settings.userns_remap)


def remapped(text: str) -> IdRange:
    """Read --userns-remap: FIRST[:SIZE], or whose subordinate IDs are taken, as dockerd has it: USER[:GROUP], or `default`.

    Raises InvalidInput.
    """
    if text[:1].isdecimal():
        return id_range("userns-remap", text)
    user, _, group = (DEFAULT_USER if text == "default" else text).partition(":")
    try:
        uid = pwd.getpwnam(user).pw_uid
        grp.getgrnam(group or grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name)
    except KeyError as error:
        raise InvalidInput(f"userns-remap {text}: {error.args[0]}\n  cure: {_cure(user)}") from None
    ranges = [subordinate(path, uid)[:1] for path in SUBORDINATE]
    if not all(ranges) or ranges[0] != ranges[1]:
        raise InvalidInput(
            f"userns-remap {text}: {' and '.join(SUBORDINATE)} do not begin with the same range for {user}\n"
            f"  cure: {_cure(user)}"
        )
    return ranges[0][0].replace(inside=0)


def _cure(user: str) -> str:
    ids = "100000-165535"
    return f"useradd --system --user-group {user}; usermod --add-subuids {ids} --add-subgids {ids} {user}"


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
    return options.replace(userns_remap=remapped(settings.userns_remap))
