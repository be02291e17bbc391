"""Pictures of live processes and of what the kernel did, all in one style."""

from labcore.lab.pictures.architectures import architecture
from labcore.lab.pictures.entry_matrix import entry_points
from labcore.lab.pictures.mount_trees import mounts
from labcore.lab.pictures.networks import network
from labcore.lab.pictures.packets import packet
from labcore.lab.pictures.process_trees import processes
from labcore.lab.pictures.repositories import repositories
from labcore.lab.pictures.sharing import namespaces
from labcore.lab.pictures.stacks import stack
from labcore.lab.pictures.strip import strip
from labcore.lab.pictures.style import Picture
from labcore.lab.pictures.waterfall import waterfall

__all__ = [
    "Picture",
    "architecture",
    "entry_points",
    "mounts",
    "namespaces",
    "network",
    "packet",
    "processes",
    "repositories",
    "stack",
    "strip",
    "waterfall",
]
