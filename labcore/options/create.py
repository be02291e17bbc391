"""CreateOptions from comfortable forms: the keywords of `labcore.run`, and the command line's options."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from labcore.errors import InvalidInput
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


def _of(module: str, name: str) -> Reader:
    """Return a reader whose module is imported when it reads: most containers name few options."""
    return lambda option, value: getattr(import_module(f"labcore.options.{module}"), name)(option, value)


def _mount(reader: str) -> Reader:
    return each(lambda _, value: getattr(import_module("labcore.options.mounts"), reader)(value))


def _throttle(kind: str) -> Reader:
    return each(lambda option, value: import_module("labcore.options.devices").throttle(kind)(option, value))


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
    "volumes": ("mounts", _mount("from_short")),
    "volumes_from": ("volumes_from", words),
    "mounts": ("mounts", _mount("from_long")),
    "tmpfs": ("mounts", _mount("from_tmpfs")),
    "devices": ("devices", each(_of("devices", "mapping"))),
    "device_cgroup_rules": ("device_cgroup_rules", each(_of("devices", "rule"))),
    "remap": ("userns_remap", _of("limits", "id_range")),
    "cap_add": ("cap_add", words),
    "cap_drop": ("cap_drop", words),
    "publish": ("ports", _of("networks", "published")),
    "expose": ("exposed_ports", _of("networks", "exposed")),
    "dns": ("dns", each(_of("limits", "address"))),
    "dns_search": ("dns_search", each(word)),
    "dns_options": ("dns_options", each(word)),
    "extra_hosts": ("extra_hosts", _of("limits", "extra_host")),
    "ulimits": ("ulimits", each(_of("limits", "ulimit"))),
    "sysctls": ("sysctls", pairs),
    "stop_signal": ("stop_signal", _of("limits", "signal_name")),
    "restart": ("restart", _of("life", "restart_policy")),
    "stop_timeout": ("stop_timeout", lambda name, value: number(name, value, -1)),
    "shm_size": ("shm_size", size),
    "security_opt": ("", _of("security", "security")),
    "memory": ("resources.memory", size),
    "memory_swap": ("resources.swap", size_or_unlimited),
    "memory_reservation": ("resources.reservation", size),
    "memory_swappiness": ("resources.swappiness", lambda name, value: number(name, value, -1, 100)),
    "oom_kill_disable": ("resources.no_oom_killer", flag),
    "oom_score_adj": ("oom_score_adj", lambda name, value: number(name, value, -1000, 1000)),
    "cpus": ("resources", _of("limits", "cpus")),
    "cpu_shares": ("resources.cpu_shares", _of("limits", "cpu_shares")),
    "cpu_quota": ("resources.cpu_quota", lambda name, value: number(name, value, -1)),
    "cpu_period": ("resources.cpu_period", number),
    "cpu_rt_runtime": ("resources.realtime_runtime", number),
    "cpu_rt_period": ("resources.realtime_period", number),
    "cpuset_cpus": ("resources.cpus", _of("limits", "cpu_set")),
    "cpuset_mems": ("resources.mems", _of("limits", "cpu_set")),
    "pids_limit": ("resources.pids", lambda name, value: number(name, value, -1)),
    "blkio_weight": ("resources.block_weight", number),
    "blkio_weight_device": ("resources.block_weights", each(_of("devices", "weight"))),
    "device_read_bps": ("resources.throttles", _throttle("read_bps")),
    "device_write_bps": ("resources.throttles", _throttle("write_bps")),
    "device_read_iops": ("resources.throttles", _throttle("read_iops")),
    "device_write_iops": ("resources.throttles", _throttle("write_iops")),
}
# what reads fields that mean something together only
TOGETHER: Final = {
    "networks": ("connected", ("network", "ip", "ip6", "mac_address", "network_aliases", "links")),
    "log": ("chosen", ("log_driver", "log_options")),
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
    for module, (name, together) in TOGETHER.items():
        if any(fields.get(field) is not None for field in together):
            base = getattr(import_module(f"labcore.options.{module}"), name)(base, fields)
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
    made = base.replace(**changes) if changes else base
    return _of_anothers_network(made) if made.network_mode.startswith("container:") else made


def _of_anothers_network(options: CreateOptions) -> CreateOptions:
    from labcore.options.networks import check_mode

    return check_mode(options)


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
