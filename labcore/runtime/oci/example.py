"""spec and features: an example config.json, and the features of this runtime (config.md, features.md)."""

from typing import Any

from labcore.native import Capability
from labcore.runtime.cgroups import hierarchies
from labcore.runtime.cgroups.scope import RUNS
from labcore.runtime.mount_flags import BINDS, COPY_UP, FLAGS, MAPPED, PROPAGATION, RECURSIVE
from labcore.runtime.oci.config import HOOKS
from labcore.runtime.oci.seccomp import FLAGS as FILTER_FLAGS
from labcore.runtime.seccomp.compile import ACTIONS, ARCHITECTURES
from labcore.runtime.stages import NAMESPACE_FLAGS
from labcore.spec import DEFAULT_MOUNTS, DEFAULT_PATH, MASKED_PATHS, READONLY_PATHS, MountPoint

CGROUPS = MountPoint("/sys/fs/cgroup", "cgroup", "cgroup", ("nosuid", "noexec", "nodev", "relatime", "ro"))
EXAMPLE_CAPABILITIES = ("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE")


def example_config() -> dict[str, Any]:
    """Return the configuration of a shell in a read-only root called `rootfs`."""
    kept = list(EXAMPLE_CAPABILITIES)
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": True,
            "user": {"uid": 0, "gid": 0},
            "args": ["sh"],
            "env": [f"PATH={DEFAULT_PATH}", "TERM=xterm"],
            "cwd": "/",
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), kept),
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "labcore",
        "mounts": [
            {"destination": m.target, "type": m.kind, "source": m.source, **({"options": list(m.options)} if m.options else {})}
            for m in (*DEFAULT_MOUNTS, CGROUPS)
        ],
        "linux": {
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup")],
            "maskedPaths": list(MASKED_PATHS),
            "readonlyPaths": list(READONLY_PATHS),
        },
    }


def rootless_config(uid: int, gid: int) -> dict[str, Any]:
    """Return the same for an ordinary user with these numbers, who is root in it."""
    config = example_config()
    config["linux"]["namespaces"].append({"type": "user"})
    config["mounts"] = [mount for mount in config["mounts"] if mount["type"] != "cgroup"]  # few users have cgroups of their own
    for name, outside in (("uidMappings", uid), ("gidMappings", gid)):
        config["linux"][name] = [{"containerID": 0, "hostID": outside, "size": 1}]
    for mount in config["mounts"]:
        if "gid=5" in mount.get("options", ()):  # a group that is not mapped
            mount["options"].remove("gid=5")
    return config


def features() -> dict[str, Any]:
    """Return the features object."""
    where = hierarchies()
    systemd = RUNS.is_dir() and not where.v1
    return {
        "ociVersionMin": "1.0.0",
        "ociVersionMax": "1.2.1",
        "hooks": list(HOOKS),
        "mountOptions": sorted({*FLAGS, *PROPAGATION, *BINDS, *RECURSIVE, *MAPPED, COPY_UP}),
        "linux": {
            "namespaces": sorted(NAMESPACE_FLAGS),
            "capabilities": [f"CAP_{capability.name}" for capability in Capability],
            "cgroup": {
                "v1": bool(where.v1), "v2": bool(where.v2), "systemd": systemd, "systemdUser": systemd, "rdma": False,
            },
            "seccomp": {
                "enabled": True, "actions": sorted(ACTIONS), "archs": sorted(ARCHITECTURES),
                "knownFlags": list(FILTER_FLAGS), "supportedFlags": list(FILTER_FLAGS),
            },
            "apparmor": {"enabled": True},
            "selinux": {"enabled": False},
            "intelRdt": {"enabled": False},
            "mountExtensions": {"idmap": {"enabled": True}},
        },
    }  # fmt: skip
