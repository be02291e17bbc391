"""Confinement of a container: capabilities, seccomp filter, masked and read-only paths, AppArmor's profile, `--privileged`."""

from __future__ import annotations

import os
from functools import cache

from labcore.errors import InvalidInput, Unavailable
from labcore.native import Capability, capget
from labcore.record import Record
from labcore.runtime.probe import kernel_version
from labcore.runtime.seccomp.default import default_profile
from labcore.spec import (
    MASKED_PATHS,
    READONLY_PATHS,
    root_with,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from labcore.spec import (
        CapabilitySets,
        CreateOptions,
        MountPoint,
        SeccompProfile,
    )


ALL: Final = "ALL"


class Confinement(Record):
    """The fields of a spec that hold a container back."""

    capabilities: CapabilitySets
    seccomp: SeccompProfile | None
    no_new_privileges: bool
    apparmor: str
    masked_paths: tuple[str, ...]
    readonly_paths: tuple[str, ...]
    mounts: tuple[MountPoint, ...]


def confinement(options: CreateOptions, mounts: tuple[MountPoint, ...], default: tuple[str, ...]) -> Confinement:
    """Return how a container with these mounts is held back, as the options say; `default` are its capabilities otherwise.

    Raises InvalidInput, Unavailable.
    """
    allowed = capabilities(options, default)
    masked, readonly = ((), ()) if options.privileged else (MASKED_PATHS, READONLY_PATHS)
    return Confinement(
        root_with(allowed),
        _seccomp(options, allowed),
        options.no_new_privileges,
        _apparmor(options.apparmor),
        masked if options.masked_paths is None else options.masked_paths,
        readonly if options.readonly_paths is None else options.readonly_paths,
        tuple(map(_writable, mounts)) if options.privileged else mounts,
    )


def capabilities(options: CreateOptions, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the capabilities that root has in the container, as docker adds and drops them."""
    if not (options.cap_add or options.cap_drop or options.privileged):
        return default
    added, dropped = (_named("cap-add", options.cap_add), _named("cap-drop", options.cap_drop))
    held = _in_order(capget()["permitted"])
    if options.privileged:
        return held
    first = held if ALL in added else () if ALL in dropped else default
    wanted = [name for name in first if name not in dropped]
    wanted += [name for name in added if name != ALL and name not in wanted]
    if missing := [name for name in wanted if name not in held and name in added]:
        raise Unavailable(f"cap-add {', '.join(missing)}: whoever starts the container has not got it: be root of the machine")
    return tuple(wanted)


OF_DOCKER: Final = {"cap-add": "CapAdd", "cap-drop": "CapDrop"}


def _named(option: str, names: Sequence[str]) -> tuple[str, ...]:
    found = tuple(name.upper().removeprefix("CAP_") for name in names)
    if unknown := [name for name in found if name != ALL and name not in Capability.__members__]:
        name, cure = f"CAP_{unknown[0]}", "there is no such capability: see capabilities(7), or say ALL"
        raise InvalidInput(f'invalid {OF_DOCKER[option]}: unknown capability: "{name:.80}": {cure}')
    return found


@cache
def _in_order(held: frozenset[Capability]) -> tuple[str, ...]:
    return tuple(capability.name for capability in Capability if capability in held)


def _apparmor(profile: str) -> str:
    if profile in ("", "unconfined"):
        return ""
    if not os.path.exists("/sys/kernel/security/apparmor"):  # noqa: PTH110
        raise Unavailable(f"apparmor {profile}: this kernel has no AppArmor that can be seen: leave it out")
    return profile


def _seccomp(options: CreateOptions, allowed: tuple[str, ...]) -> SeccompProfile | None:
    if options.seccomp == "unconfined" or (not options.seccomp and options.privileged):
        return None
    if options.seccomp:
        from labcore.engine.options.seccomp_profile import read_profile  # few bring one

        return read_profile(options.seccomp, frozenset(allowed))
    return _default_filter(allowed)


@cache
def _default_filter(allowed: tuple[str, ...]) -> SeccompProfile:
    return default_profile(frozenset(allowed), os.uname().machine, kernel_version())


def _writable(mount: MountPoint) -> MountPoint:
    return mount.replace(options=tuple(w for w in mount.options if w != "ro")) if mount.kind in ("proc", "sysfs") else mount
