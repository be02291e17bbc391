"""Specification values that every room uses: frozen, checked when they are made, free of I/O."""

from labcore.spec.container import (
    DEFAULT_PATH,
    HOSTNAME_MAX,
    NAMESPACES,
    BindRoot,
    ContainerSpec,
    OverlayRoot,
    Root,
    TopDirectory,
)
from labcore.spec.create_options import CreateOptions, DeviceMapping, Mount
from labcore.spec.digest import checked_digest
from labcore.spec.isolation import (
    DEFAULT_CAPABILITIES,
    DEFAULT_DEVICES,
    DEFAULT_MOUNTS,
    DOCKER_CAPABILITIES,
    MASKED_PATHS,
    READONLY_PATHS,
    CapabilitySets,
    Device,
    DeviceRule,
    IdRange,
    MountPoint,
    Rlimit,
    User,
    root_with,
)
from labcore.spec.log import Input, LogPolicy
from labcore.spec.moment import Moment
from labcore.spec.platform import Platform
from labcore.spec.reference import Reference
from labcore.spec.resources import Resources
from labcore.spec.seccomp import Comparison, SeccompFilter, SeccompProfile, SeccompRule

__all__ = [
    "DEFAULT_CAPABILITIES",
    "DEFAULT_DEVICES",
    "DEFAULT_MOUNTS",
    "DEFAULT_PATH",
    "DOCKER_CAPABILITIES",
    "HOSTNAME_MAX",
    "MASKED_PATHS",
    "NAMESPACES",
    "READONLY_PATHS",
    "BindRoot",
    "CapabilitySets",
    "Comparison",
    "ContainerSpec",
    "CreateOptions",
    "Device",
    "DeviceMapping",
    "DeviceRule",
    "IdRange",
    "Input",
    "LogPolicy",
    "Moment",
    "Mount",
    "MountPoint",
    "OverlayRoot",
    "Platform",
    "Reference",
    "Resources",
    "Rlimit",
    "Root",
    "SeccompFilter",
    "SeccompProfile",
    "SeccompRule",
    "TopDirectory",
    "User",
    "checked_digest",
    "root_with",
]
