"""Stages for what a container sees below its root: mounts, devices, the working directory, and what is protected there."""

from __future__ import annotations

import os
import stat
from functools import cache, lru_cache

from labcore.native import MountAttribute
from labcore.runtime import mounting, ops
from labcore.runtime.mount_flags import COPY_UP, PROPAGATION, is_bind, is_readonly_dev, with_writable_dev
from labcore.runtime.stages.namespaces import hands_over, has_mounts, in_user_namespace
from labcore.runtime.stages.rootfs import BEHIND_SYNC, layers_to_map

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.runtime.ops import Op
    from labcore.spec import ContainerSpec, Device


def mounts(spec: ContainerSpec) -> list[Op]:
    """Mount what programs expect to find: /proc, /sys, and a /dev to be filled; and what the spec adds."""
    mounting.check_mounts(spec.mounts)
    placed = with_writable_dev(mounting.with_resolved_targets(spec.mounts, spec.root))
    received = BEHIND_SYNC + len(layers_to_map(spec))
    made = mounting.mount_all(placed, new_user=in_user_namespace(spec), apart=hands_over(spec), received=received)
    return [*made, *_copied_up(spec)]


def seen_on_disk(spec: ContainerSpec) -> tuple[object, ...]:
    """Return all that stages look at on the disk: where it is the same, the same spec has the same plan."""
    files = tuple([_kind(mount.source) for mount in spec.mounts if is_bind(mount)])
    copied = tuple(object() for mount in spec.mounts if COPY_UP in mount.options)  # looked at anew each time
    placed = mounting.resolved_targets(spec.mounts, spec.root)
    return files, copied, placed, _resolved_workdir(spec), os.path.exists(KCORE)


def _kind(source: str) -> int | None:
    """Return what is to be bound, as stat(2) has it: a file, a directory, 0 for a link to nothing; None if there is nothing."""
    try:
        return stat.S_IFMT(os.stat(source).st_mode)
    except OSError:
        return 0 if os.path.lexists(source) else None


def _copied_up(spec: ContainerSpec) -> list[Op]:
    """Return the op that fills those tmpfs that are to begin with what they cover."""
    copying = [mount.target for mount in spec.mounts if COPY_UP in mount.options and mount.kind == "tmpfs"]
    if not copying:
        return []
    from labcore.runtime.copy_up import filled  # podman's alone

    return [filled(spec.root.directory, copying)]


DEVICE_LINKS = (
    ("/dev/ptmx", "pts/ptmx"),
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
)
KCORE = "/proc/kcore"
KINDS = {"c": 0o020000, "u": 0o020000, "b": 0o060000, "p": 0o010000}


@lru_cache(maxsize=64)
def _fill_dev(devices: tuple[Device, ...]) -> tuple[Op, ...]:
    plain = [d for d in devices if (d.kind, d.mode, d.uid, d.gid) == ("c", 0o666, 0, 0) and os.path.dirname(d.path) == "/dev"]
    others: list[Op] = []
    for device in devices:
        if device not in plain:
            number = os.makedev(device.major, device.minor)
            others += mounting.make_place(os.path.dirname(device.path), directory=True)
            others.append(ops.MakeNode(device.path, KINDS[device.kind] | device.mode, number, device.uid, device.gid))
    together = ops.MakeDevices(tuple((d.path, d.major, d.minor) for d in plain))
    return (*([together] if plain else []), *others)


def devices(spec: ContainerSpec) -> list[Op]:
    """Fill /dev: the devices that are not hardware, and those that the spec adds. A /dev that is the host's stays as it is."""
    if any(mounting.normalized(mount.target) == "/dev" and is_bind(mount) for mount in spec.mounts):
        return []
    # /dev/core: as runc does where the kernel, which is the container's too, shows its memory.
    return [*_fill_dev(spec.devices), _device_links(core=os.path.exists(KCORE))]


@cache
def _device_links(*, core: bool) -> Op:
    return ops.MakeLinks((*DEVICE_LINKS, *([("/dev/core", KCORE)] if core else [])))


def workdir(spec: ContainerSpec) -> list[Op]:
    """Make the directory that the program starts in, while there is still the right to."""
    path = os.path.normpath(_resolved_workdir(spec))
    parents = (*mounting.parents(path), path) if path != "/" else ()
    return [ops.MakeDirectories(parents)] if parents else []


def _resolved_workdir(spec: ContainerSpec) -> str:
    return mounting.resolved(os.path.normpath(spec.workdir), spec.root, spec.mounts) if spec.workdir != "/" else "/"


@lru_cache(maxsize=16)
def _protection(masked: tuple[str, ...], readonly: tuple[str, ...]) -> tuple[Op, ...]:
    return (*([ops.MaskPaths(masked)] if masked else []), *([ops.ReadonlyPaths(readonly)] if readonly else []))


def protection(spec: ContainerSpec) -> list[Op]:
    """Cover and write-protect what in /proc and /sys belongs to the whole machine, and the root if it is to be read only."""
    # Added to what holds already: a remount would set all flags anew, and lose those that are not named again.
    root: list[Op] = [ops.SetMountAttributes("/", MountAttribute.RDONLY, recursive=False)] if spec.root.read_only else []
    dev = (
        [ops.SetMountAttributes("/dev", MountAttribute.RDONLY, recursive=False)]
        if any(map(is_readonly_dev, spec.mounts))
        else []
    )
    protected = [*_protection(spec.masked_paths, spec.readonly_paths), *dev, *root, *_propagation(spec)]
    return protected if has_mounts(spec) else [*protected, ops.RejoinMountNamespace()]


def _propagation(spec: ContainerSpec) -> list[Op]:
    if spec.propagation in ("private", "rprivate", "slave", "rslave"):  # so it has been since the tree was cut off
        return []
    return [ops.Mount("none", "/", None, PROPAGATION[spec.propagation])]
