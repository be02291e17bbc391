"""CreateOptions from comfortable forms: the keywords of `labcore.run`, and the command line's options."""

from __future__ import annotations

from collections.abc import Sequence

from labcore.errors import InvalidInput
from labcore.options import devices, log, networks, security
from labcore.options.life import restart_policy
from labcore.options.limits import address, cpu_set, cpu_shares, cpus, extra_host, id_range, signal_name, ulimit
from labcore.options.mounts import from_long, from_short, from_tmpfs
from labcore.options.values import (
    each,
    flag,
    number,
    pairs,
    refuse,
    size,
    size_or_unlimited,
    text,
    text_or_number,
    variables,
    word,
    words,
)
from labcore.spec import CreateOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final, TypeAlias

Reader: TypeAlias = "Callable[[str, Any], Any]"

# name -> the field of CreateOptions that it belongs to, and what reads it
FORMS: Final[dict[str, tuple[str, Reader]]] = {
    "env": ("environment", variables),
    "user": ("user", text_or_number),
    "entrypoint": (
        "entrypoint",
        lambda name, value: words(name, value if not isinstance(value, str) else [value] if value else []),
    ),
    "group_add": ("group_add", words),
    "labels": ("labels", pairs),
    "annotations": ("annotations", pairs),
    "volumes": ("mounts", each(lambda _, value: from_short(value))),
    "volumes_from": ("volumes_from", words),
    "mounts": ("mounts", each(lambda _, value: from_long(value))),
    "tmpfs": ("mounts", each(lambda _, value: from_tmpfs(value))),
    "devices": ("devices", each(devices.mapping)),
    "device_cgroup_rules": ("device_cgroup_rules", each(devices.rule)),
    "remap": ("userns_remap", id_range),
    "cap_add": ("cap_add", words),
    "cap_drop": ("cap_drop", words),
    "publish": ("ports", networks.published),
    "expose": ("exposed_ports", networks.exposed),
    "dns": ("dns", each(address)),
    "dns_search": ("dns_search", each(word)),
    "dns_options": ("dns_options", each(word)),
    "extra_hosts": ("extra_hosts", extra_host),
    "ulimits": ("ulimits", each(ulimit)),
    "sysctls": ("sysctls", pairs),
    "stop_signal": ("stop_signal", signal_name),
    "restart": ("restart", restart_policy),
    "stop_timeout": ("stop_timeout", lambda name, value: number(name, value, -1)),
    "shm_size": ("shm_size", size),
    "security_opt": ("", security.security),
    "memory": ("resources.memory", size),
    "memory_swap": ("resources.swap", size_or_unlimited),
    "memory_reservation": ("resources.reservation", size),
    "memory_swappiness": ("resources.swappiness", lambda name, value: number(name, value, -1, 100)),
    "oom_kill_disable": ("resources.no_oom_killer", flag),
    "oom_score_adj": ("oom_score_adj", lambda name, value: number(name, value, -1000, 1000)),
    "cpus": ("resources", cpus),
    "cpu_shares": ("resources.cpu_shares", cpu_shares),
    "cpu_quota": ("resources.cpu_quota", lambda name, value: number(name, value, -1)),
    "cpu_period": ("resources.cpu_period", number),
    "cpu_rt_runtime": ("resources.realtime_runtime", number),
    "cpu_rt_period": ("resources.realtime_period", number),
    "cpuset_cpus": ("resources.cpus", cpu_set),
    "cpuset_mems": ("resources.mems", cpu_set),
    "pids_limit": ("resources.pids", lambda name, value: number(name, value, -1)),
    "blkio_weight": ("resources.block_weight", number),
    "blkio_weight_device": ("resources.block_weights", each(devices.weight)),
    "device_read_bps": ("resources.throttles", each(devices.throttle("read_bps"))),
    "device_write_bps": ("resources.throttles", each(devices.throttle("write_bps"))),
    "device_read_iops": ("resources.throttles", each(devices.throttle("read_iops"))),
    "device_write_iops": ("resources.throttles", each(devices.throttle("write_iops"))),
}
ADDED: Final = ("mounts", "resources.throttles")  # several names say more of the same
DEFAULT: Final = CreateOptions()


def create_options(
    image: str | None = None, argv: Sequence[str] = (), *, options: CreateOptions | None = None, **fields: Any
) -> CreateOptions:
    """Return options of an image and a command, with fields given by name; these go before those of `options`.

    A field is one of CreateOptions, or of FORMS, which read docker's strings, mappings and numbers: `env={"A": "b"}`,
    `volumes=["data:/var/lib"]`, `memory="64m"`. None leaves things as they are. Raises InvalidInput.
    """
    if isinstance(argv, str | bytes) or not isinstance(argv, Sequence):
        raise InvalidInput(f"argv is a list of words: [{argv!r}], or ['sh', '-c', {argv!r}]")
    base = options or DEFAULT
    base = log.chosen(networks.connected(base, fields), fields)
    changes: dict[str, Any] = {"image": image} if image is not None else {}
    if argv:
        changes["command"] = tuple(argv)
    for name, value in fields.items():
        if value is not None:
            target, read = FORMS.get(name) or _own(name)
            _add(changes, target, read(name, value))
    limits = {target.partition(".")[2]: changes.pop(target) for target in list(changes) if target.startswith("resources.")}
    if limits:
        changes["resources"] = changes.get("resources", base.resources).replace(**limits)
    return networks.check_mode(base.replace(**changes) if changes else base)


def _add(changes: dict[str, Any], target: str, found: Any) -> None:
    if target == "":
        changes |= found
    elif target == "resources" and isinstance(found, dict):
        changes |= {f"resources.{name}": value for name, value in found.items()}
    elif target in ADDED and target in changes:
        changes[target] = (*changes[target], *found)
    else:
        changes[target] = found


def _own(name: str) -> tuple[str, Reader]:
    """Return how a field of CreateOptions is read by its own name: as what it is by default. Raises InvalidInput."""
    default = CreateOptions._fields.get(name, InvalidInput)
    if default is InvalidInput:
        from difflib import get_close_matches

        near = get_close_matches(name, [*FORMS, *CreateOptions._fields], 1, 0.5)
        raise InvalidInput(f"there is no option {name}" + (f": {near[0]} is meant, perhaps" if near else "; see CreateOptions"))
    readers: dict[type, Reader] = {str: text, bool: flag, int: number}
    return name, readers.get(type(default), _value_like(default))


def _value_like(default: Any) -> Reader:
    """Return the reader of what is a value already: a record, or a list of such."""

    def read(name: str, value: Any) -> Any:
        found = tuple(value) if isinstance(value, list) else value
        if default is not None and not isinstance(found, type(default)):
            refuse(name, value, f"a {type(default).__name__} is wanted")
        return found

    return read
