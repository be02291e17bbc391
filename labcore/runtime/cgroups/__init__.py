"""Control groups: the kernel's account of who uses how much, and the limits on it. cgroups(7)."""

from __future__ import annotations

from labcore.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.runtime.cgroups.group import Cgroup
    from labcore.runtime.cgroups.hierarchy import Hierarchies, hierarchies

__all__ = ["Cgroup", "Hierarchies", "hierarchies"]

__getattr__ = lazy_names(
    __name__,
    {
        "labcore.runtime.cgroups.group": ("Cgroup",),
        "labcore.runtime.cgroups.hierarchy": ("Hierarchies", "hierarchies"),
    },
)
