"""User namespaces: id maps, rootless containers, and what root of a user namespace cannot do.

user_namespaces(7): inside, user 0 has all capabilities over namespaces that belong to this one, and outside it is the user that
it is mapped to. Ordinary users may map their own number; more of them, which files of several owners take, only through
newuidmap(1), within what the administrator has set aside for them in subuid(5).
"""

from __future__ import annotations

import fcntl
import os

from labcore.errors import InvalidInput, Unavailable
from labcore.files import read_text, write_text
from labcore.native import (
    CloneFlag,
    clone,
    setns,
    threads,
    unshare,
)
from labcore.runtime.probe import confined, mapped
from labcore.spec import IdRange, MountPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from labcore.spec import ContainerSpec

TERMINALS: Final = 5  # the group `tty`, whose terminals are


def fitted(spec: ContainerSpec) -> ContainerSpec:
    """Return a container's spec as root of a user namespace can have it; on the machine itself it stays as it is."""
    if not confined():
        return spec
    mounts = spec.mounts
    if mapped("gid_map") <= TERMINALS:  # there is no such group here
        mounts = tuple(mount.replace(options=tuple(word for word in mount.options if word != "gid=5")) for mount in mounts)
    return with_bound_sysfs(with_bound_devices(spec.replace(mounts=mounts)))


def groups_are_fixed(spec: ContainerSpec) -> bool:
    """Return whether the container's processes cannot change their groups, because there is only one to have."""
    return sum(each.size for each in spec.gid_map) == 1 or mapped("gid_map") == 1


def with_bound_devices(spec: ContainerSpec) -> ContainerSpec:
    """Return the spec with this machine's device nodes bound: in a user namespace none can be made, mknod(2)."""
    bound = tuple(MountPoint(device.path, "bind", device.path, ("bind", "nosuid", "noexec")) for device in spec.devices)
    return spec.replace(mounts=spec.mounts + bound, devices=())


def with_bound_sysfs(spec: ContainerSpec) -> ContainerSpec:
    """Return the spec with this machine's /sys bound, to be read only, where no new one can be mounted: sysfs(5).

    It shows a network namespace's interfaces, and is mounted by whoever is root of the user namespace that owns that one.
    """
    if _owns_network(spec):
        return spec
    words = ("rbind", "nosuid", "noexec", "nodev", "ro", "rro")
    mounts = tuple(m.replace(kind="bind", source="/sys", options=words) if m.kind == "sysfs" else m for m in spec.mounts)
    return spec.replace(mounts=mounts)


NS_GET_USERNS: Final = 0xB701  # linux/nsfs.h


def _owns_network(spec: ContainerSpec) -> bool:
    """Return whether the container's network namespace is new, or belongs to the user namespace that it is in: ioctl_ns(2)."""
    joins = dict(spec.joins)
    if {"network", "user"} & set(spec.namespaces):
        return "network" in spec.namespaces
    return belongs_to(joins.get("network", "/proc/self/ns/net"), joins.get("user", "/proc/self/ns/user"))


def belongs_to(namespace: str, user: str) -> bool:
    """Return whether a namespace belongs to that user namespace, and not to another, each given by its file: ioctl_ns(2)."""
    try:
        fd = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        owner = fcntl.ioctl(fd, NS_GET_USERNS)
        try:
            return os.path.samestat(os.fstat(owner), os.stat(user))
        finally:
            os.close(owner)
    except OSError:  # an ancestor's, which may not be looked at
        return False
    finally:
        os.close(fd)


def enter() -> None:
    """Move this process, which has one thread, into a new user namespace as root, with mounts of its own.

    All numbers that subuid(5) gives this user are mapped; if there are none, the user's own alone, and files of other owners
    cannot be made. Raises Unavailable, with the cure, where user namespaces are blocked.
    """
    _check_alone()
    here, user, group = os.getpid(), os.geteuid(), os.getegid()
    reader, writer = os.pipe()
    mapper = clone(lambda: _map_from_outside(here, reader, writer))
    try:
        _leave_for_new_namespace()
        os.write(writer, b"!")
    finally:
        os.close(writer)
        os.close(reader)
        whole = mapper.wait() == 0
    if not whole:
        write_text("/proc/self/setgroups", "deny")
        write_text("/proc/self/uid_map", f"0 {user} 1")
        write_text("/proc/self/gid_map", f"0 {group} 1")
    mapped.cache_clear()  # what was seen before holds no longer


def join(namespace: int) -> None:
    """Move this process, which has one thread, into the user namespace of that descriptor as root, with mounts of its own."""
    _check_alone()
    setns(namespace, CloneFlag.NEWUSER)
    unshare(CloneFlag.NEWNS)
    mapped.cache_clear()  # what was seen before holds no longer


def _check_alone() -> None:
    if (count := threads()) > 1:
        raise Unavailable(
            f"this process has {count} threads, and can enter no user namespace: start it by `labcore rootless PROGRAM ...`"
        )


def _leave_for_new_namespace() -> None:
    from labcore.runtime.explain_privileges import userns_block

    try:
        unshare(CloneFlag.NEWUSER | CloneFlag.NEWNS)
    except OSError as error:
        known = userns_block()
        cause, cure = known or (f"{error.strerror}", "run it as root: sudo labcore …")
        raise Unavailable(f"no container can be made by an ordinary user here: {cause}; cure: {cure}") from None


def _map_from_outside(pid: int, reader: int, writer: int) -> int:
    """In a copy of the process that stays outside: wait until it has gone in, then map what it may have."""
    os.close(writer)
    if not os.read(reader, 1):
        return 1
    user, group = os.geteuid(), os.getegid()
    uids = [IdRange(inside=0, outside=user, size=1), *subordinate("/etc/subuid", user)]
    gids = [IdRange(inside=0, outside=group, size=1), *subordinate("/etc/subgid", user)]
    if len(uids) == 1 or len(gids) == 1:
        return 1
    try:
        write_id_maps(pid, uids, gids)
    except InvalidInput:
        return 1
    return 0


def subordinate(path: str, user: int) -> list[IdRange]:
    """Return what a user has been given in subuid(5) or subgid(5), mapped from 1 upwards."""
    import pwd

    try:
        names = {str(user), pwd.getpwuid(user).pw_name}
    except KeyError:
        names = {str(user)}
    found: list[IdRange] = []
    inside = 1
    for line in read_text(path).splitlines() if os.path.exists(path) else ():
        name, _, rest = line.strip().partition(":")
        first, _, count = rest.partition(":")
        if name in names and first.isdigit() and count.isdigit():
            found.append(IdRange(inside=inside, outside=int(first), size=int(count)))
            inside += int(count)
    return found


def write_id_maps(pid: int, uids: Sequence[IdRange], gids: Sequence[IdRange], whose: str = "linux.") -> None:
    """Write a process's maps: directly where the kernel lets us, else by newuidmap(1) and newgidmap(1). Raises InvalidInput."""
    for name, ranges in (("uid_map", uids), ("gid_map", gids)):
        if ranges:
            _write_map(pid, name, ranges, whose)


def _write_map(pid: int, name: str, ranges: Sequence[IdRange], whose: str) -> None:
    lines = "".join(f"{each.inside} {each.outside} {each.size}\n" for each in ranges)
    try:
        if os.geteuid() and name == "gid_map" and len(ranges) == 1:
            write_text(f"/proc/{pid}/setgroups", "deny")  # else no ordinary user may map groups
        write_text(f"/proc/{pid}/{name}", lines)
    except OSError as error:
        if os.geteuid() == 0 or not _mapped_by_helper(pid, name, lines.split()):
            where = f"{whose}{name.replace('_m', 'M')}pings"
            raise InvalidInput(f"{where}: the kernel does not take them: {error.strerror}") from None


def _mapped_by_helper(pid: int, name: str, numbers: Sequence[str]) -> bool:
    import subprocess  # few maps need it

    command = {"uid_map": "newuidmap", "gid_map": "newgidmap"}[name]
    try:
        return subprocess.run([command, str(pid), *numbers], capture_output=True, check=False).returncode == 0
    except OSError:
        return False
