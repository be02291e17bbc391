"""Mounts of a container as the API takes them: Binds, Mounts, Tmpfs and Volumes."""

from __future__ import annotations

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Final

    from labcore.spec import Mount

PROPAGATION: Final = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
UNITS: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
DIGITS: Final = 19  # of the largest int64


def mounts_json(mounts: Iterable[Mount]) -> dict[str, Any]:
    """Return the four fields, of which Volumes is the ContainerConfig's and the others the HostConfig's."""
    found: dict[str, Any] = {"Binds": [], "Mounts": [], "Tmpfs": {}, "Volumes": {}}
    for mount in mounts:
        if mount.kind == "tmpfs" and mount.make:
            found["Tmpfs"][mount.target] = ",".join(mount.options)
        elif _is_bind(mount):
            found["Binds"].append(_bind(mount))
        elif _is_anonymous(mount):
            found["Volumes"][mount.target] = {}
        else:
            found["Mounts"].append(_mount(mount))
    return found


def _is_bind(mount: Mount) -> bool:
    """Does the short form say all of it? Its source is made if it is not there."""
    plain = mount.recursive and not mount.labels and ":" not in mount.source + mount.target
    return mount.make and bool(mount.source) and mount.kind != "tmpfs" and plain


def _is_anonymous(mount: Mount) -> bool:
    return mount.kind == "volume" and not mount.source and not mount.read_only and mount.copy and not mount.labels


def _bind(mount: Mount) -> str:
    words = [*mount.options, *(["ro"] if mount.read_only else []), *([] if mount.copy else ["nocopy"])]
    mode = mount.mode or ",".join(words)
    return ":".join([mount.source, mount.target, *([mode] if mode else [])])


def _mount(mount: Mount) -> dict[str, Any]:
    found: dict[str, Any] = {"Type": mount.kind, "Source": mount.source, "Target": mount.target, "ReadOnly": mount.read_only}
    if mount.kind == "bind":
        propagation = next((word for word in mount.options if word in PROPAGATION), "")
        found["BindOptions"] = {
            "Propagation": propagation,
            "NonRecursive": not mount.recursive,
            "CreateMountpoint": mount.make,
        }
    elif mount.kind == "volume":
        found["VolumeOptions"] = {"NoCopy": not mount.copy, "Labels": dict(mount.labels), "Subpath": mount.subpath}
    else:
        found["TmpfsOptions"] = _tmpfs(mount)
    return found


def _tmpfs(mount: Mount) -> dict[str, Any]:
    found: dict[str, Any] = {}
    others = []
    for option in mount.options:
        name, equals, value = option.partition("=")
        if name == "size":
            found["SizeBytes"] = _bytes(option, value)
        elif name == "mode":
            found["Mode"] = int(value, 8)
        else:
            others.append([name, value] if equals else [name])
    return found | ({"Options": others} if others else {})


def _bytes(option: str, text: str) -> int:
    digits, unit = (text[:-1], text[-1:].lower()) if text[-1:].isalpha() else (text, "")
    if unit not in UNITS or not (digits.isascii() and digits.isdecimal()) or len(digits) > DIGITS:
        raise InvalidInput(f"tmpfs {option}: a number of bytes is wanted, or one with k, m or g behind it")
    return int(digits) * UNITS[unit]
