"""Reader of docker's --security-opt: seccomp, apparmor, no-new-privileges, label, … and podman's mask and unmask."""

from __future__ import annotations

from labcore.files import read_bytes
from labcore.options.values import flag, refuse, words
from labcore.spec import MASKED_PATHS, READONLY_PATHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final, TypeAlias

KNOWN: Final = (
    "seccomp=unconfined|FILE, apparmor=PROFILE, no-new-privileges, systempaths=unconfined, writable-cgroups=true|false, "
    "mask=, unmask=PATH[:PATH]"
)
PROFILE_MAX: Final = 4 << 20  # bytes of a file


def security(name: str, value: Any) -> dict[str, Any]:
    """Read a list of security options; return the fields of CreateOptions that they change. Later ones win."""
    changes: dict[str, Any] = {}
    for option in words(name, value):
        key, separator, argument = option.partition("=" if "=" in option else ":")
        read = _READERS.get(key)
        if read is None or (not separator and key != "no-new-privileges"):
            refuse(name, option, f"it is not known; there are {KNOWN}")
        changes |= read(option, argument, changes)
    return changes


Changes: TypeAlias = "dict[str, Any]"


def _seccomp(option: str, argument: str, _: Changes) -> Changes:
    if argument in ("", "unconfined"):
        return {"seccomp": "unconfined"} if argument else refuse("security_opt", option, "unconfined or a file is wanted")
    if argument == "builtin":
        return {"seccomp": ""}
    if argument.lstrip().startswith("{"):
        return {"seccomp": argument}
    try:
        content = read_bytes(argument, PROFILE_MAX + 1)
        if len(content) > PROFILE_MAX:
            refuse("security_opt", option, f"the file has more than {PROFILE_MAX} bytes")
        return {"seccomp": content.decode()}
    except OSError as error:
        refuse("security_opt", option, f"{error.strerror}: name a file that holds a profile in docker's format")
    except UnicodeDecodeError:
        refuse("security_opt", option, "the file is no text")


def _apparmor(option: str, argument: str, _: Changes) -> Changes:
    if not argument.strip() or not argument.isprintable():
        refuse("security_opt", option, "a profile's name is wanted, or unconfined")
    return {"apparmor": argument}


def _no_new_privileges(_: str, argument: str, __: Changes) -> Changes:
    return {"no_new_privileges": flag("no-new-privileges", argument or "true")}


def _label(option: str, argument: str, _: Changes) -> Changes:
    if argument != "disable":
        refuse("security_opt", option, "SELinux labels are not supported: leave it out, or label=disable")
    return {}


def _systempaths(option: str, argument: str, _: Changes) -> Changes:
    if argument != "unconfined":
        refuse("security_opt", option, "systempaths=unconfined is all there is")
    return {"masked_paths": (), "readonly_paths": ()}


def _writable_cgroups(_: str, argument: str, __: Changes) -> Changes:
    return {"writable_cgroups": flag("writable-cgroups", argument)}


def _mask(option: str, argument: str, changes: Changes) -> Changes:
    hidden = _now(changes, "masked_paths", MASKED_PATHS)
    return {"masked_paths": (*hidden, *(path for path in _paths(option, argument) if path not in hidden))}


def _unmask(option: str, argument: str, changes: Changes) -> Changes:
    from fnmatch import fnmatchcase  # which imports `re`

    patterns = ["*"] if argument.lower() == "all" else _paths(option, argument)
    lists = (("masked_paths", MASKED_PATHS), ("readonly_paths", READONLY_PATHS))
    return {
        field: tuple(path for path in _now(changes, field, default) if not any(fnmatchcase(path, each) for each in patterns))
        for field, default in lists
    }


def _now(changes: Changes, field: str, default: Sequence[str]) -> tuple[str, ...]:
    return tuple(changes.get(field, default))


def _paths(option: str, argument: str) -> list[str]:
    paths = argument.split(":")
    if not all(path.startswith("/") for path in paths):
        refuse("security_opt", option, "paths from / on are wanted, with : between them")
    return paths


_READERS: Final = {
    "seccomp": _seccomp,
    "apparmor": _apparmor,
    "no-new-privileges": _no_new_privileges,
    "label": _label,
    "systempaths": _systempaths,
    "writable-cgroups": _writable_cgroups,
    "mask": _mask,
    "unmask": _unmask,
}
