"""labcore-init before a container's program (docker's --init), and a /dev/shm of another size (--shm-size)."""

from __future__ import annotations

from labcore.native import program
from labcore.spec import MountPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.spec import ContainerSpec, CreateOptions

INIT: Final = "/dev/labcore-init"  # on the tmpfs there: no directory of the image changes


def with_init_and_shm(spec: ContainerSpec, options: CreateOptions) -> ContainerSpec:
    """Return the spec with labcore-init before its program, and a /dev/shm of another size, as the options want it."""
    if options.shm_size is not None:
        spec = _with_shm_size(spec, options.shm_size)
    return _with_init(spec) if options.init else spec


def _with_shm_size(spec: ContainerSpec, size: int) -> ContainerSpec:
    def sized(mount: MountPoint) -> MountPoint:
        others = tuple(word for word in mount.options if not word.startswith("size="))
        is_shm = (mount.target, mount.kind) == ("/dev/shm", "tmpfs")
        return mount.replace(options=(*others, f"size={size}")) if is_shm else mount

    return spec.replace(mounts=tuple(map(sized, spec.mounts)))


def _with_init(spec: ContainerSpec) -> ContainerSpec:
    """Return the spec with labcore-init, bound into the container, before its program."""
    binary = MountPoint(INIT, "bind", program("labcore-init"), ("bind", "ro", "nosuid", "nodev"))
    return spec.replace(argv=(INIT, *spec.argv), mounts=(*spec.mounts, binary))
