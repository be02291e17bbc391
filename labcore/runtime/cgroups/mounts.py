"""Mounts of type `cgroup`: a container's view of its own cgroup (config-linux.md, cgroups path; cgroup_namespaces(7))."""

from __future__ import annotations

from labcore.spec import MountPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from labcore.runtime.cgroups.group import Cgroup
    from labcore.spec import ContainerSpec

PLAIN = ("nosuid", "noexec", "nodev", "relatime")


def with_cgroup_mounts(spec: ContainerSpec, cgroup: Cgroup) -> ContainerSpec:
    """Return the spec with each mount of type `cgroup` replaced by the mounts that show the container its own cgroup.

    In a cgroup namespace they are mounts of the hierarchies, whose root there is the container's cgroup; otherwise the
    container's directories are bound.
    """
    if not any(mount.kind in ("cgroup", "cgroup2") for mount in spec.mounts):
        return spec
    mounts: list[MountPoint] = []
    for mount in spec.mounts:
        mounts += _expanded(mount, cgroup, "cgroup" in spec.namespaces) if mount.kind in ("cgroup", "cgroup2") else [mount]
    return spec.replace(mounts=tuple(mounts))


def _expanded(mount: MountPoint, cgroup: Cgroup, own_namespace: bool) -> Iterator[MountPoint]:
    where = cgroup.hierarchies
    words = tuple(word for word in mount.options if word not in ("rbind", "bind"))
    if not where.v1:
        yield (
            MountPoint(mount.target, "cgroup2", "cgroup", words)
            if own_namespace
            else _bound(mount.target, where.v2, cgroup, words)
        )
        return
    read_write = tuple(word for word in words if word != "ro")
    yield MountPoint(mount.target, "tmpfs", "cgroup", (*PLAIN, "mode=755"))
    by_point: dict[str, list[str]] = {}
    for name, point in where.v1:
        by_point.setdefault(point, []).append(name)
    for point, names in by_point.items():
        target = f"{mount.target}/{point.rpartition('/')[2]}"
        if own_namespace:
            yield MountPoint(target, "cgroup", "cgroup", (*words, *_as_options(names)))
        else:
            yield _bound(target, point, cgroup, words)
    if "ro" in words:
        yield MountPoint(mount.target, "", "none", ("remount", *read_write, "ro", "mode=755"))


def _as_options(names: list[str]) -> tuple[str, ...]:
    return ("none", *names) if names[0].startswith("name=") else tuple(names)


def _bound(target: str, point: str | None, cgroup: Cgroup, words: tuple[str, ...]) -> MountPoint:
    return MountPoint(target, "bind", f"{point}{cgroup.path}".rstrip("/"), ("rbind", *words))
