"""Stages for what surrounds a process: its cgroups, namespaces, user namespace's root, keyring, host name, sysctls."""

from __future__ import annotations

import os
from functools import lru_cache

from labcore.errors import InvalidInput
from labcore.native import CloneFlag
from labcore.runtime import ops
from labcore.runtime.probe import confined
from labcore.runtime.userns import belongs_to, groups_are_fixed, write_id_maps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.native import Process
    from labcore.runtime.ops import Op
    from labcore.spec import ContainerSpec

NAMESPACE_FLAGS = {
    "mount": CloneFlag.NEWNS,
    "pid": CloneFlag.NEWPID,
    "uts": CloneFlag.NEWUTS,
    "ipc": CloneFlag.NEWIPC,
    "network": CloneFlag.NEWNET,
    "cgroup": CloneFlag.NEWCGROUP,
    "user": CloneFlag.NEWUSER,
    "time": CloneFlag.NEWTIME,
}
JOINED_FIRST = ("user",)  # its rights are needed in those that belong to it, and do not suffice for others
JOINED_LAST = ("mount",)


def limits(spec: ContainerSpec) -> list[Op]:
    """Have the process born in the cgroups that were made for it: what it may use is set there, whatever it does later."""
    return [ops.JoinCgroup(spec.cgroups)] if spec.cgroups else []


def namespaces(spec: ContainerSpec) -> list[Op]:
    """Make the process with namespaces of its own, in a session of its own; those of others are joined before."""
    flags = CloneFlag(0)
    for kind in spec.namespaces:
        flags |= NAMESPACE_FLAGS[kind]
    clocks: list[Op] = []
    if spec.time_offsets:
        flags &= ~CloneFlag.NEWTIME
        clocks = [ops.SetTimeOffsets(spec.time_offsets)]
    return [*before_joining(spec), *clocks, *_joined(spec), ops.Clone(flags), ops.NewSession(), ops.Umask(0)]


def before_joining(spec: ContainerSpec) -> list[Op]:
    """Return the ops that write to the machine's own /proc, for in what is joined another could lie in its place.

    AppArmor's profile for the program, and how soon the OOM killer thinks of it.
    """
    profile: list[Op] = [ops.ApplyApparmorProfile(spec.apparmor)] if spec.apparmor else []
    return [*profile, *([ops.AdjustOomScore(spec.oom_score_adj)] if spec.oom_score_adj is not None else [])]


def _joined(spec: ContainerSpec) -> list[Op]:
    users = dict(spec.joins).get("user")

    def order(join: tuple[str, str]) -> int:
        if join[0] in JOINED_FIRST:
            return -1
        return -2 if users and not belongs_to(join[1], users) else int(join[0] in JOINED_LAST)

    joins = tuple((NAMESPACE_FLAGS[kind], path) for kind, path in sorted(spec.joins, key=order))
    return [ops.JoinNamespaces(joins)] if joins else []


def users(spec: ContainerSpec) -> list[Op]:
    """Have the user namespace's ids mapped, and become its root: until then this process is nobody there."""
    if not spec.uid_map or "user" not in spec.namespaces:  # one that is joined has its maps
        return become_root_of(spec)

    def map_ids(process: Process) -> None:
        write_id_maps(process.pid, spec.uid_map, spec.gid_map)

    return [ops.Sync("maps ids", map_ids), *become_root_of(spec)]


def become_root_of(spec: ContainerSpec) -> list[Op]:
    """Return the op that makes this process root of its user namespace: until then it is nobody there, and root out here."""
    return [ops.SetUser(0, 0, None if groups_are_fixed(spec) else ())] if is_apart(spec) else []


def keyring(spec: ContainerSpec) -> list[Op]:
    """Have a session keyring of one's own: keyrings(7). The starter's may hold keys that are not the container's."""
    return [ops.JoinSessionKeyring()] if spec.session_keyring else []


def hostname(spec: ContainerSpec) -> list[Op]:
    """Name the host; without a UTS namespace it would be the host's own name that changed."""
    if "uts" not in spec.namespaces or spec.hostname is None:
        return []
    domain = [ops.SetDomainname(spec.domainname)] if spec.domainname else []
    return [ops.SetHostname(spec.hostname), *domain]


def sysctls(spec: ContainerSpec) -> list[Op]:
    """Set kernel parameters of the container's namespaces, while nothing of the container's is mounted yet."""
    if not spec.sysctls:
        return []
    joined = {kind for kind, _ in spec.joins}
    # A procfs shows a PID namespace, and it takes rights over that to make one: root of a user namespace has none over others.
    private = "pid" in {*spec.namespaces, *joined} or not (confined() or "user" in {*spec.namespaces, *joined})
    if "mount" in joined and not private:
        raise InvalidInput("sysctls: with a user namespace and somebody else's mounts they take a new pid namespace too")
    return [_set_sysctls(spec.sysctls, private)]


@lru_cache(maxsize=64)
def _set_sysctls(sysctls: tuple[tuple[str, str], ...], private: bool) -> Op:
    return ops.SetSysctls(tuple((sysctl_path(name), value) for name, value in sysctls), private)


def sysctl_path(name: str) -> str:
    """Return a kernel parameter's path below /proc/sys: of `.` and `/` the first that occurs separates, sysctl.d(5).

    Raises InvalidInput for a name that would lead elsewhere.
    """
    swapped = str.maketrans("./", "/.")
    path = name.translate(swapped) if name.partition("/")[0].count(".") else name
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise InvalidInput(f"sysctls: {name!r} is no kernel parameter: see sysctl -a")
    return path


def has_mounts(spec: ContainerSpec) -> bool:
    """Return whether the container has a mount namespace that is not the starter's."""
    return "mount" in {*spec.namespaces, *(kind for kind, _ in spec.joins)}


def in_user_namespace(spec: ContainerSpec) -> bool:
    """Return whether the container's root is root of a user namespace only."""
    return confined() or "user" in spec.namespaces or is_apart(spec)


def is_apart(spec: ContainerSpec) -> bool:
    """Return whether the container's root is another one than the starter: of a user namespace of its own, or a joined one."""
    return bool(spec.uid_map) or any(kind == "user" for kind, _ in spec.joins)


def hands_over(spec: ContainerSpec) -> bool:
    """Return whether the starter copies the host's mounts for the container's root: that takes rights over its own mounts."""
    return is_apart(spec) and os.geteuid() == 0
