"""Cgroup hierarchies of this machine and their mount points: version 2, version 1, or both (hybrid)."""

from __future__ import annotations

from functools import cache

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

    def own(self, controller: str) -> str:
        """Return the path of this process's cgroup in a version 1 controller's hierarchy, or with `` in version 2's."""
        for line in read_text("/proc/self/cgroup").splitlines():
            _, names, path = line.split(":", 2)
            if controller in names.split(","):
                return path
        return "/"


@cache
def hierarchies() -> Hierarchies:
    """Look them up in this process's mounts."""
    v1: dict[str, str] = {}
    v2 = None
    for fields in mountinfo():
        at = fields.index("-")
        if fields[at + 1] == "cgroup2":
            v2 = fields[4]
        elif fields[at + 1] == "cgroup":
            for word in fields[at + 3].split(","):
                if word in CONTROLLERS or word.startswith("name="):
                    v1[word] = fields[4]
    return Hierarchies(tuple(v1.items()), v2)


@cache
def v2_controllers(point: str) -> frozenset[str]:
    """Return the controllers that version 2 has here."""
    try:
        return frozenset(read_text(f"{point}/cgroup.controllers").split())
    except OSError:
        return frozenset()
