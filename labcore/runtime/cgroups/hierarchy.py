"""Cgroup hierarchies of this machine and their mount points: version 2, version 1, or both (hybrid)."""

from __future__ import annotations

import os
from functools import lru_cache

from labcore.files import read_text
from labcore.record import Record
from labcore.runtime.probe import mountinfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

CONTROLLERS = (
    "blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "memory", "net_cls", "net_prio", "perf_event", "pids",
    "rdma", "misc",
)  # fmt: skip


class Hierarchies(Record):
    """The mounts: of each version 1 controller (and of systemd's own, named `name=…`), and of version 2."""

    v1: tuple[tuple[str, str], ...]
    v2: str | None

    @property
    def mode(self) -> Literal["v2", "v1", "hybrid", "none"]:
        """What is there."""
        if self.v1:
            return "hybrid" if self.v2 else "v1"
        return "v2" if self.v2 else "none"

    def directory(self, controller: str) -> str | None:
        """Return the root of the hierarchy that has a controller; None if no hierarchy has it."""
        for name, point in self.v1:
            if name == controller:
                return point
        if self.v2 and controller in v2_controllers(self.v2):
            return self.v2
        return None


def own_path(controller: str) -> str:
    """Return the path of this process's cgroup in a version 1 controller's hierarchy, or with `` in version 2's."""
    for line in read_text("/proc/self/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return path
    return "/"


class _Mount(Record):
    """A mount of cgroups: whether of version 2, its point and device, its options."""

    is_v2: bool
    point: str
    device: int
    options: tuple[str, ...]

    def is_reachable(self) -> bool:
        """Is it what its point shows, and not covered by another mount?"""
        try:
            return os.stat(self.point).st_dev == self.device
        except OSError:
            return False


def hierarchies() -> Hierarchies:
    """Look them up in this process's mounts, which may have changed since they were last looked at."""
    mounts = [mount for mount in _cgroup_mounts() if mount.is_reachable()]
    v1 = {
        word: mount.point
        for mount in mounts
        for word in mount.options
        if not mount.is_v2 and (word in CONTROLLERS or word.startswith("name="))
    }
    return Hierarchies(tuple(v1.items()), next((mount.point for mount in mounts if mount.is_v2), None))


def _cgroup_mounts() -> list[_Mount]:
    found = []
    for fields in mountinfo():
        at = fields.index("-")
        if fields[at + 1] in ("cgroup", "cgroup2"):
            device = os.makedev(*map(int, fields[2].split(":")))
            found.append(_Mount(fields[at + 1] == "cgroup2", fields[4], device, tuple(fields[at + 3].split(","))))
    return found


class MainHierarchy(Record):
    """Where cgroups are made that limit nothing; `controller` is empty in version 2, and `device` that of the mount."""

    controller: str
    point: str
    has_v1: bool
    device: int


def main_hierarchy() -> MainHierarchy | None:
    """Return version 2's hierarchy, or that of `pids`, or any; None without cgroups. It is looked for once as long as it stays.

    The kernel takes long to list the mounts of a machine with many.
    """
    for _ in range(2):
        found = _main_hierarchy()
        if found and os.stat(found.point).st_dev == found.device:
            return found
        _main_hierarchy.cache_clear()
    return None


@lru_cache(maxsize=1)
def _main_hierarchy() -> MainHierarchy | None:
    where = hierarchies()
    first = ("", where.v2) if where.v2 else next((each for each in where.v1 if each[0] == "pids"), next(iter(where.v1), None))
    return MainHierarchy(*first, bool(where.v1), os.stat(first[1]).st_dev) if first else None


def v2_controllers(point: str) -> frozenset[str]:
    """Return the controllers that version 2 has here."""
    try:
        return frozenset(read_text(f"{point}/cgroup.controllers").split())
    except OSError:
        return frozenset()
