"""Namespace modes, docker's --pid, --ipc, --uts, --cgroupns, --userns and --network, and the host name."""

from __future__ import annotations

import os

from labcore.errors import InvalidInput
from labcore.record import Record
from labcore.spec import NAMESPACES, MountPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final, Never, TypeAlias

    from labcore.spec import CreateOptions

# kind -> the field of CreateOptions, and the modes that there are besides `container:NAME`, the default first
MODES: Final = {
    "pid": ("pid_mode", ("private", "host")),
    "ipc": ("ipc_mode", ("private", "shareable", "none", "host")),
    "uts": ("uts_mode", ("private", "host")),
    "cgroup": ("cgroupns_mode", ("private", "host")),
    "network": ("network_mode", ("none", "host")),  # and names of networks, joined later: labcore.engine.network.networks
}
CALLED: Final = {"pid": "PID", "ipc": "IPC", "uts": "UTS", "cgroup": "cgroup namespace", "network": "network"}  # by docker
FILES: Final = {"pid": "pid", "ipc": "ipc", "network": "net"}  # below /proc/PID/ns, of what can be joined
SHARED_MEMORY: Final = ("/dev/shm", "/dev/mqueue")  # where what is of an IPC namespace, or goes with it, is seen
PidOf: TypeAlias = "Callable[[str, str], int]"


def no_containers(_: str, name: str) -> Never:
    """Refuse to share with a container: nobody keeps any here."""
    raise InvalidInput(f"container:{name}: there is no container {name} that runs: see labcore ps")


class Namespaces(Record):
    """A spec's namespaces: new ones, those of others, and the mounts that go with them."""

    new: tuple[str, ...]
    joins: tuple[tuple[str, str], ...]
    mounts: tuple[MountPoint, ...]


def namespaces(options: CreateOptions, mounts: tuple[MountPoint, ...], pid_of: PidOf) -> Namespaces:
    """Return the namespaces that the options want; `pid_of` returns a process in another container's.

    Raises InvalidInput.
    """
    modes = {kind: _mode(kind, options) for kind in MODES}
    if options.userns_mode not in ("", "private", "host"):
        raise InvalidInput(f"userns {options.userns_mode!r}: host is all there is, and userns-remap FIRST[:SIZE]")
    joined = {kind: mode.partition(":")[2] for kind, mode in modes.items() if mode.startswith("container:")}
    pids = {kind: pid_of(kind, name) for kind, name in joined.items()}
    joins = tuple((kind, f"/proc/{pid}/ns/{FILES[kind]}") for kind, pid in pids.items())
    new = tuple(kind for kind in NAMESPACES if modes.get(kind) != "host" and kind not in joined)
    return Namespaces(new, joins, _mounts(mounts, modes["ipc"], pids.get("ipc")))


def _mode(kind: str, options: CreateOptions) -> str:
    field, known = MODES[kind]
    mode = getattr(options, field) or known[0]
    if mode in known or (kind == "network" and options.networks):
        return str(mode)
    if mode.startswith("container:") and mode != "container:" and kind in FILES:
        return str(mode)
    cure = f": there are {', '.join(known)}" if kind == "network" else ""
    raise InvalidInput(f"invalid {CALLED[kind]} mode: {mode}{cure}")


def _mounts(mounts: tuple[MountPoint, ...], ipc: str, pid: int | None) -> tuple[MountPoint, ...]:
    """Return the mounts with shared memory and message queues of the host, or of a process; or without shared memory."""
    if ipc == "none":
        return tuple(mount for mount in mounts if mount.target != "/dev/shm")
    if ipc != "host" and pid is None:
        return mounts
    options = ("rbind" if pid is None else "bind", "nosuid", "noexec", "nodev")
    shared = [path for path in SHARED_MEMORY if pid is not None or os.path.isdir(path)]  # noqa: PTH112
    root = "" if pid is None else f"/proc/{pid}/root"
    bound = (MountPoint(path, "bind", root + path, options) for path in shared)
    return (*(mount for mount in mounts if mount.target not in shared), *bound)


def is_shareable(options: CreateOptions) -> bool:
    """Return whether other containers may join a container's IPC namespace."""
    return _mode("ipc", options) not in ("private", "none")


def hostname_of(options: CreateOptions, default: str) -> str:
    """Return the name of the host inside. With the host's network it is the host's own, as with docker. Raises InvalidInput."""
    if options.uts_mode == "host":
        if options.hostname or options.domainname:
            raise InvalidInput(
                "conflicting options: hostname and the UTS mode: the machine's own would change: leave one of them out"
            )
        return os.uname().nodename
    if options.network_mode == "host" and not options.hostname:
        return os.uname().nodename
    return options.hostname or default


SYSCTLS: Final = {  # of which namespace they are: names, and beginnings of names
    "ipc": (
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
        "kernel.shm_rmid_forced", "fs.mqueue.",
    ),
    "network": ("net.",),
}  # fmt: skip


# In a network of its own a container may listen on every port, and ping, without a capability: docker's defaults.
EVERY_PORT: Final = ("net.ipv4.ip_unprivileged_port_start", "0")
PING: Final = ("net.ipv4.ping_group_range", "0 2147483647")


def sysctls(options: CreateOptions, new: tuple[str, ...], *, all_groups: bool) -> tuple[tuple[str, str], ...]:
    """Return the kernel parameters of a container with these new namespaces: the defaults, and then what the options ask for.

    `all_groups` says whether its user namespace has every group, as those that may ping. Raises InvalidInput.
    """
    asked = checked_sysctls(options)
    if "network" not in new:
        return asked
    return (EVERY_PORT, *((PING,) if all_groups else ()), *asked)


def checked_sysctls(options: CreateOptions) -> tuple[tuple[str, str], ...]:
    """Return the kernel parameters, if all of them are of namespaces that the container has of its own. Raises InvalidInput."""
    for name, _ in options.sysctls:
        kind = next((kind for kind, known in SYSCTLS.items() if _is_one_of(name.replace("/", "."), known)), None)
        if kind is None:
            raise InvalidInput(f"sysctl {name}: it is the whole machine's: a container has those of ipc and network alone")
        if (mode := _mode(kind, options)) == "host" or mode.startswith("container:"):
            raise InvalidInput(f"sysctl {name}: with {kind} {mode} it is not the container's own: leave one of them out")
    return options.sysctls


def _is_one_of(name: str, known: tuple[str, ...]) -> bool:
    return any(name == each or (each.endswith(".") and name.startswith(each)) for each in known)
