"""Control groups: the kernel's account of who uses how much, and the limits on it. cgroups(7)."""

from labcore.runtime.cgroups.group import Cgroup
from labcore.runtime.cgroups.hierarchy import Hierarchies, hierarchies

__all__ = ["Cgroup", "Hierarchies", "hierarchies"]
