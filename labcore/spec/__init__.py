"""Specification values that every room uses: frozen, checked when they are made, free of I/O.

Names are loaded when they are first used: a command of the OCI runtime needs few of them.
"""

from __future__ import annotations

from labcore.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    from labcore.spec.health import Healthcheck
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
    from labcore.spec.network import EndpointOptions, PortBinding
    from labcore.spec.platform import Platform
    from labcore.spec.reference import Reference
    from labcore.spec.resources import Resources
    from labcore.spec.restart import RestartPolicy
    from labcore.spec.scheduling import IoPriority, MemoryPolicy, Scheduler, TimeOffset
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
    "EndpointOptions",
    "Healthcheck",
    "IdRange",
    "Input",
    "IoPriority",
    "LogPolicy",
    "MemoryPolicy",
    "Moment",
    "Mount",
    "MountPoint",
    "OverlayRoot",
    "Platform",
    "PortBinding",
    "Reference",
    "Resources",
    "RestartPolicy",
    "Rlimit",
    "Root",
    "Scheduler",
    "SeccompFilter",
    "SeccompProfile",
    "SeccompRule",
    "TimeOffset",
    "TopDirectory",
    "User",
    "checked_digest",
    "root_with",
]

__getattr__ = lazy_names(
    __name__,
    {
        "labcore.spec.container": (
            "DEFAULT_PATH",
            "HOSTNAME_MAX",
            "NAMESPACES",
            "BindRoot",
            "ContainerSpec",
            "OverlayRoot",
            "Root",
            "TopDirectory",
        ),
        "labcore.spec.create_options": (
            "CreateOptions",
            "DeviceMapping",
            "Mount",
        ),
        "labcore.spec.digest": ("checked_digest",),
        "labcore.spec.health": ("Healthcheck",),
        "labcore.spec.isolation": (
            "DEFAULT_CAPABILITIES",
            "DEFAULT_DEVICES",
            "DEFAULT_MOUNTS",
            "DOCKER_CAPABILITIES",
            "MASKED_PATHS",
            "READONLY_PATHS",
            "CapabilitySets",
            "Device",
            "DeviceRule",
            "IdRange",
            "MountPoint",
            "Rlimit",
            "User",
            "root_with",
        ),
        "labcore.spec.log": (
            "Input",
            "LogPolicy",
        ),
        "labcore.spec.moment": ("Moment",),
        "labcore.spec.network": (
            "EndpointOptions",
            "PortBinding",
        ),
        "labcore.spec.platform": ("Platform",),
        "labcore.spec.reference": ("Reference",),
        "labcore.spec.resources": ("Resources",),
        "labcore.spec.restart": ("RestartPolicy",),
        "labcore.spec.scheduling": (
            "IoPriority",
            "MemoryPolicy",
            "Scheduler",
            "TimeOffset",
        ),
        "labcore.spec.seccomp": (
            "Comparison",
            "SeccompFilter",
            "SeccompProfile",
            "SeccompRule",
        ),
    },
)
