"""Devices of the machine in a container: docker's --device and --device-cgroup-rule, and all of them with --privileged."""

from __future__ import annotations

import os
import stat
from functools import cache
from itertools import islice
from pathlib import Path

from labcore.errors import InvalidInput, Unavailable
from labcore.runtime.cgroups.hierarchy import hierarchies
from labcore.runtime.probe import confined
from labcore.spec import Device, DeviceRule, MountPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from labcore.spec import ContainerSpec, CreateOptions

ITS_OWN: Final = ("pts", "shm", "mqueue", "fd", "console", "ptmx", "stdin", "stdout", "stderr", "core")  # of each container
KINDS: Final = {stat.S_IFCHR: "c", stat.S_IFBLK: "b"}
DEVICES_MAX: Final = 2000
ENTRIES_MAX: Final = 10_000  # of a directory that is named as a device
NO_DEVICE: Final = DeviceRule(False)


@cache
def are_listed() -> bool:
    """Return whether a container's cgroup keeps shut what the rules do not open: root of the machine alone can have it so.

    Then a container may make nodes, as docker's may.
    """
    if os.geteuid() or confined():
        return False
    there = hierarchies()
    return there.directory("devices") is not None or there.v2 is not None


def rules(options: CreateOptions) -> tuple[DeviceRule, ...]:
    """Return which devices may be used, besides those that every container has: all with --privileged, else those named."""
    if options.privileged:
        return (DeviceRule(True),)
    named = (
        DeviceRule(True, node.kind, node.major, node.minor, mapping.access)
        for mapping in options.devices
        for node in _nodes(mapping.source, mapping.target)
    )
    return (NO_DEVICE, *named, *options.device_cgroup_rules)


def with_devices(spec: ContainerSpec, options: CreateOptions, *, bound: bool) -> ContainerSpec:
    """Return the spec with the devices that the options name; `bound`, where none can be made: in a user namespace.

    Raises Unavailable for one that is not there.
    """
    pairs = [(mapping.source, mapping.target) for mapping in options.devices]
    if options.privileged and not bound:
        pairs = [(path, path) for path in _of_machine()] + pairs
    found = {target: (source, node) for source, target in pairs for source, target, node in _found(source, target)}
    if bound:
        more = tuple(
            MountPoint(target, "bind", source, ("bind", "nosuid", "noexec")) for target, (source, _) in found.items()
        )  # fmt: skip
        return spec.replace(mounts=(*spec.mounts, *more))
    others = tuple(device for device in spec.devices if device.path not in found)
    return spec.replace(devices=(*others, *(node for _, node in found.values())))


def _found(source: str, target: str) -> Iterator[tuple[str, str, Device]]:
    for node in _nodes(source, target):
        yield source + node.path.removeprefix(target), node.path, node


def _nodes(source: str, target: str) -> list[Device]:
    """Return the node of a path, or those of a directory and all below it, as they are to be inside.

    Raises InvalidInput, Unavailable, which begins with docker's words.
    """
    failed = f'error gathering device information while adding custom device "{source:.80}"'
    if not source.startswith("/"):  # it would be looked for where this program happens to be
        raise InvalidInput(f"{failed}: name an absolute path of this machine, such as /dev/fuse")
    try:
        status = Path(source).stat()
    except (OSError, ValueError) as error:  # ValueError: it has a NUL byte
        why = getattr(error, "strerror", None) or str(error)
        raise Unavailable(f"{failed}: {why.lower()}: name a device of this machine") from None
    if stat.S_ISDIR(status.st_mode):
        entries = list(islice(Path(source).rglob("*"), ENTRIES_MAX + 1))
        if len(entries) > ENTRIES_MAX:
            raise InvalidInput(f"{failed}: there are more than {ENTRIES_MAX} files below it: name a directory of devices")
        paths = [str(path) for path in entries if not path.is_symlink() and _kind(path)][:DEVICES_MAX]
        if paths:
            return [node for path in paths for node in _nodes(path, target + path.removeprefix(source))]
    kind = KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        raise Unavailable(f"{failed}: not a device node: mount files and directories by -v")
    major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    return [Device(target, kind, major, minor, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)]


def _kind(path: Path) -> str | None:
    return KINDS.get(stat.S_IFMT(path.lstat().st_mode))


def _of_machine() -> list[str]:
    """Return this machine's devices, but for those that every container has its own of."""
    found = []
    for directory, directories, files in os.walk("/dev"):
        if directory == "/dev":
            directories[:] = [name for name in directories if name not in ITS_OWN]
            files = [name for name in files if name not in ITS_OWN]
        found += [path for name in files if _kind(Path(path := f"{directory}/{name}"))]
    return sorted(found)[:DEVICES_MAX]
