"""Seccomp profiles in docker's format: JSON whose rules depend on capabilities, machine and kernel.

https://docs.docker.com/engine/security/seccomp/: the OCI specification's `linux.seccomp`, with `archMap`, and with `includes`
and `excludes` that say for which containers a rule is there.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, Final, Never

from labcore.errors import InvalidInput
from labcore.runtime.probe import kernel_version
from labcore.runtime.seccomp.compile import ACTIONS
from labcore.spec import Comparison, SeccompProfile, SeccompRule

# uname's machine -> what Go and libseccomp call it
MACHINES: Final = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64"),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64"),
    "armv7l": ("arm", "SCMP_ARCH_ARM"),
    "i686": ("386", "SCMP_ARCH_X86"),
    "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE"),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
    "s390x": ("s390x", "SCMP_ARCH_S390X"),
}
OPERATORS: Final = ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ")
ARGUMENTS: Final = 6
ERRNO_MAX: Final = 4095


def read_profile(text: str, capabilities: frozenset[str]) -> SeccompProfile:
    """Read a profile for a container with these capabilities. Raises InvalidInput for what is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        _fail(f"it is no JSON: {error}")
    profile = _mapping(value, "it")
    rules = [_mapping(each, "syscalls") for each in _list(profile, "syscalls")]
    return SeccompProfile(
        action=_action(profile.get("defaultAction"), "defaultAction"),
        errno=_errno(profile.get("defaultErrnoRet")),
        architectures=_architectures(profile),
        flags=tuple(_text(flag, "flags") for flag in _list(profile, "flags")),
        rules=tuple(_rule(each) for each in rules if _is_for(each, capabilities)),
    )


def _fail(problem: str) -> Never:
    raise InvalidInput(f"security_opt seccomp: {problem}; see https://docs.docker.com/engine/security/seccomp/")


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _fail(f"{where} is no object")


def _list(value: Mapping[str, Any], name: str) -> list[Any]:
    found = value.get(name) or []
    return found if isinstance(found, list) else _fail(f"{name} is no list")


def _text(value: Any, where: str) -> str:
    return value if isinstance(value, str) and value else _fail(f"{where}: {value!r} is no text")


def _number(value: Any, where: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        _fail(f"{where}: {value!r} is no number from 0 to {most}")
    return value


def _action(value: Any, where: str) -> str:
    return str(value) if value in ACTIONS else _fail(f"{where}: {value!r} is no action; there are {', '.join(ACTIONS)}")


def _errno(value: Any) -> int:
    return 1 if value is None else _number(value, "errnoRet", ERRNO_MAX)


def _architectures(profile: Mapping[str, Any]) -> tuple[str, ...]:
    """Return those that the profile names; of an `archMap` this machine's and its relatives."""
    if named := _list(profile, "architectures"):
        return tuple(_text(each, "architectures") for each in named)
    own = MACHINES.get(os.uname().machine, ("", ""))[1]
    for each in _list(profile, "archMap"):
        entry = _mapping(each, "archMap")
        if entry.get("architecture") == own:
            return tuple(_text(name, "archMap") for name in _list(entry, "subArchitectures"))
    return ()


def _is_for(rule: Mapping[str, Any], capabilities: frozenset[str]) -> bool:
    """Return whether all that a rule includes holds, and nothing of what it excludes."""
    wanted, unwanted = (_mapping(rule.get(name) or {}, name) for name in ("includes", "excludes"))
    return all(_conditions(wanted, capabilities)) and not any(_conditions(unwanted, capabilities))


def _conditions(value: Mapping[str, Any], capabilities: frozenset[str]) -> list[bool]:
    machine, found = MACHINES.get(os.uname().machine, ("", ""))[0], []
    if caps := _list(value, "caps"):
        found.append(all(_text(name, "caps").removeprefix("CAP_") in capabilities for name in caps))
    if arches := _list(value, "arches"):
        found.append(machine in arches)
    if kernel := value.get("minKernel"):
        found.append(kernel_version() >= _kernel(kernel))
    return found


def _kernel(value: Any) -> tuple[int, int]:
    major, _, minor = _text(value, "minKernel").partition(".")
    if not (major.isdecimal() and minor.isdecimal() and len(value) < 12):
        _fail(f"minKernel: {value!r} is no version such as 4.8")
    return int(major), int(minor)


def _rule(value: Mapping[str, Any]) -> SeccompRule:
    names = [_text(name, "names") for name in _list(value, "names") or [value.get("name")]]
    return SeccompRule(
        names=tuple(names),
        action=_action(value.get("action"), ", ".join(names[:3])),
        errno=_errno(value.get("errnoRet")),
        comparisons=tuple(_comparison(_mapping(each, "args")) for each in _list(value, "args")),
    )


def _comparison(value: Mapping[str, Any]) -> Comparison:
    operator = _text(value.get("op"), "op")
    if operator.removeprefix("SCMP_CMP_") not in OPERATORS:
        _fail(f"op: {operator!r} is none of SCMP_CMP_{', '.join(OPERATORS)}")
    first, second = (_number(value.get(name, 0), name, (1 << 64) - 1) for name in ("value", "valueTwo"))
    return Comparison(_number(value.get("index", 0), "index", ARGUMENTS - 1), operator, first, second)
