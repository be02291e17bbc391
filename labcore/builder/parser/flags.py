"""Flags of an instruction: `--name=value` before its words; which one takes, and of what kind, stands in FLAGS."""

from __future__ import annotations

from labcore.builder.parser.errors import Problem, suggestion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

FLAGS: Final[Mapping[str, Mapping[str, type]]] = {
    "FROM": {"platform": str},
    "RUN": {"mount": list, "network": str, "security": str, "device": list},
    "COPY": {"from": str, "chown": str, "chmod": str, "link": bool, "parents": bool, "exclude": list},
    "ADD": {
        "chown": str, "chmod": str, "link": bool, "exclude": list, "checksum": str, "unpack": bool, "keep-git-dir": bool,
    },
    "HEALTHCHECK": {"interval": str, "timeout": str, "start-period": str, "start-interval": str, "retries": str},
}  # fmt: skip


def values_of(flags: Sequence[str], instruction: str) -> dict[str, Any]:
    """Return the values of the flags that are given: a text, a truth, or a list of texts. Raises Problem."""
    known = FLAGS.get(instruction, {})
    found: dict[str, Any] = {}
    for flag in flags:
        name, equals, value = flag[2:].partition("=")
        kind = known.get(name)
        if kind is None:
            cure = suggestion("--" + name, [f"--{each}" for each in known]) or _known(known, instruction)
            raise Problem(f"unknown flag: --{name}", f"--{name}", cure=cure)
        if kind is list:
            found.setdefault(name, []).append(_given(name, equals, value))
        elif name in found:
            raise Problem(f"duplicate flag specified: --{name}", flag)
        else:
            found[name] = _truth(name, equals, value) if kind is bool else _given(name, equals, value)
    return found


def _known(known: Mapping[str, type], instruction: str) -> str:
    return f"{instruction} takes {', '.join(f'--{name}' for name in known) or 'no flags'}"


def _given(name: str, equals: str, value: str) -> str:
    if not equals:
        raise Problem(f"missing a value on flag: --{name}", f"--{name}", cure=f"write --{name}=VALUE, without white space")
    return value


def _truth(name: str, equals: str, value: str) -> bool:
    if equals and not value:
        raise Problem(f"missing a value on flag: --{name}", f"--{name}")
    if value.lower() not in ("", "true", "false"):
        raise Problem(f"expecting boolean value for flag --{name}, not: {value}", f"--{name}", cure="true or false")
    return value.lower() != "false"
