"""The values that every room speaks. Frozen, checked when they are made, and free of I/O."""

from labcore.spec.container import (
    DEFAULT_CAPABILITIES,
    DEFAULT_PATH,
    HOSTNAME_MAX,
    NAMESPACES,
    BindRoot,
    ContainerSpec,
    OverlayRoot,
    Root,
)
from labcore.spec.moment import Moment
from labcore.spec.reference import Reference
from labcore.spec.seccomp import Comparison, SeccompProfile, SeccompRule

__all__ = [
    "DEFAULT_CAPABILITIES",
    "DEFAULT_PATH",
    "HOSTNAME_MAX",
    "NAMESPACES",
    "BindRoot",
    "Comparison",
    "ContainerSpec",
    "Moment",
    "OverlayRoot",
    "Reference",
    "Root",
    "SeccompProfile",
    "SeccompRule",
]
