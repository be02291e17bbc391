"""Namespaces, mounts, devices and kernel parameters of config.json (config-linux.md)."""

from __future__ import annotations

import fcntl
import os

from labcore.errors import InvalidInput
from labcore.native import CloneFlag
from labcore.runtime.mount_flags import PROPAGATION, is_bind, is_mapped
from labcore.runtime.oci.scheduling import read_time_offsets
from labcore.spec import DEFAULT_DEVICES, NAMESPACES, Device, IdRange, MountPoint
from labcore.spec.isolation import ID_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from labcore.runtime.oci.node import Node
    from labcore.spec.scheduling import TimeOffset

MAJOR_BITS, MINOR_BITS = 12, 20  # of a device's number: linux/kdev_t.h
NS_GET_NSTYPE = 0xB703  # linux/nsfs.h
FLAGS = {
    "mount": CloneFlag.NEWNS, "pid": CloneFlag.NEWPID, "uts": CloneFlag.NEWUTS, "ipc": CloneFlag.NEWIPC,
    "network": CloneFlag.NEWNET, "cgroup": CloneFlag.NEWCGROUP, "user": CloneFlag.NEWUSER, "time": CloneFlag.NEWTIME,
}  # fmt: skip
PERSONALITIES = {"LINUX": 0x0, "LINUX32": 0x8}


def cgroups_path(node: Node) -> str:
    """Read `linux.cgroupsPath`; empty if there is none. Raises ConfigError."""
    if not node.text().isprintable():
        raise node.fail("holds characters that cannot be printed")
    return node.text()


def time_offsets(node: Node, new: tuple[str, ...]) -> tuple[TimeOffset, ...]:
    """Read `linux.timeOffsets` of a container with these `new` namespaces. Raises ConfigError."""
    offsets = read_time_offsets(node)
    if offsets and "time" not in new:
        raise node.fail("needs a time namespace of its own")
    return offsets


def rootfs_of(root: Node, directory: str) -> str:
    """Return the root file system of a bundle that lies in `directory`. Raises ConfigError."""
    path = os.path.join(directory, root["path"].required_text())
    if not os.path.isdir(path):
        raise root["path"].fail(f"{path[:200]} is no directory")
    return os.path.realpath(path)


def read_namespaces(nodes: Node) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Read `linux.namespaces`: the kinds of which the container gets new ones, and those that it joins, with their paths."""
    new: list[str] = []
    joins: list[tuple[str, str]] = []
    for node in nodes.items():
        kind = node["type"].required_text()
        if kind not in {*NAMESPACES, "user", "time"}:
            raise node["type"].fail(f"no such namespace: {kind!r}")
        if kind in {*new, *(joined for joined, _ in joins)}:
            raise node["type"].fail(f"{kind} is named twice")
        if path := node["path"].text():
            if not os.path.exists(path):
                raise node["path"].fail(f"{path} does not exist")
            if not _is_namespace(path, kind):
                raise node["path"].fail(f"{path} is no {kind} namespace")
            if kind == "mount" and is_ours(kind, path):
                raise node["path"].fail(f"{path} is the runtime's own: the container's root would become the host's")
            joins.append((kind, path))
        else:
            new.append(kind)
    if "mount" not in (kinds := {*new, *(kind for kind, _ in joins)}) and "user" in kinds:
        raise nodes.fail("a mount namespace is missing: in a user namespace there is no way back to the runtime's own")
    return tuple(new), tuple(joins)


def is_ours(kind: str, path: str) -> bool:
    """Is this the namespace that the runtime itself is in?"""
    name = {"mount": "mnt", "network": "net"}.get(kind, kind)
    return os.path.samefile(path, f"/proc/self/ns/{name}")


def _is_namespace(path: str, kind: str) -> bool:
    """Ask the kernel: ioctl_ns(2). The file may lie in /proc, or be one that such a file was mounted on, as `ip netns` does."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return fcntl.ioctl(fd, NS_GET_NSTYPE) == FLAGS[kind]
    except OSError:  # it is no namespace at all
        return False
    finally:
        os.close(fd)


def read_mount(node: Node, directory: str) -> MountPoint:
    """Read one of `mounts`; the source of a bind mount is relative to the bundle. Raises ConfigError."""
    options = node["options"].texts()
    target = os.path.normpath("/" + node["destination"].required_text().lstrip("/"))
    kind, source = node["type"].text(), node["source"].text()
    uid_map, gid_map = (tuple(map(id_range, node[name].items())) for name in ("uidMappings", "gidMappings"))
    if bool(uid_map) != bool(gid_map):
        raise node.fail("an id-mapped mount has both uidMappings and gidMappings")
    mount = MountPoint(target, kind, source or kind or "none", options, uid_map, gid_map)
    if is_bind(mount):
        return mount.replace(source=os.path.normpath(os.path.join(directory, source)))
    if is_mapped(mount):
        raise node.fail("only a bind mount can be id-mapped")
    return mount


def check_maps(mounts: Iterable[MountPoint], nodes: Node, apart: Collection[str]) -> None:
    """Raise ConfigError for a mount that is to be mapped as a user namespace that there is not."""
    for mount, node in zip(mounts, nodes.items(), strict=True):
        if is_mapped(mount) and not mount.uid_map and "user" not in apart:
            raise node.fail("idmap needs uidMappings and gidMappings, or a user namespace")


def propagation(node: Node) -> str:
    """Read `linux.rootfsPropagation`. Raises ConfigError."""
    word = node.text() or "rslave"  # what runc takes where nothing is said
    if word not in PROPAGATION:
        raise node.fail(f"must be one of {', '.join(PROPAGATION)}, and is {word!r}")
    return word


def read_devices(nodes: Node) -> Iterator[Device]:
    """Read `linux.devices`, and yield them with those that every container has. Raises ConfigError."""
    made: dict[str, Device] = {device.path: device for device in DEFAULT_DEVICES}
    for node in nodes.items():
        kind = node["type"].required_text()
        if kind not in ("c", "b", "u", "p"):
            raise node["type"].fail(f"must be c, b, u or p, and is {kind!r}")
        numbers = (node["major"].unsigned(0, MAJOR_BITS), node["minor"].unsigned(0, MINOR_BITS))
        mode, uid, gid = node["fileMode"].unsigned(0o666), node["uid"].identity(), node["gid"].identity()
        path = os.path.normpath(node["path"].absolute_path())
        made[path] = Device(path, kind, *numbers, mode & 0o7777, uid, gid)
    return iter(made.values())


def read_sysctls(node: Node, apart: set[str]) -> Iterator[tuple[str, str]]:
    """Read `linux.sysctl`; `apart` are the namespaces that are not this machine's. Raises ConfigError."""
    from labcore.runtime.stages import sysctl_path

    for name, value in node.members():
        try:
            dotted = sysctl_path(name).replace("/", ".")
        except InvalidInput:
            raise value.fail("is no kernel parameter: see sysctl -a") from None
        if dotted == "kernel.hostname":
            raise value.fail("conflicts with `hostname`: name the host there")
        needs = next((kind for prefix, kind in SYSCTLS if dotted.startswith(prefix)), None)
        if needs is None:
            raise value.fail(f"{dotted} is a setting of the whole machine, and not of a namespace")
        if needs not in apart:
            raise value.fail(f"{dotted} needs a {needs} namespace that is not this machine's")
        yield name, value.text()


SYSCTLS = (
    ("net.", "network"), ("fs.mqueue.", "ipc"), ("kernel.msg", "ipc"), ("kernel.sem", "ipc"), ("kernel.shm", "ipc"),
    ("kernel.domainname", "uts"),
)  # fmt: skip


def id_range(node: Node) -> IdRange:
    """Read one of `linux.uidMappings` or `gidMappings`. Raises ConfigError."""
    inside, outside = node["containerID"].identity(), node["hostID"].identity()
    return IdRange(inside, outside, node["size"].number(0, 1, ID_MAX + 1 - max(inside, outside)))


def personality(node: Node) -> int | None:
    """Read `linux.personality`: personality(2). Raises ConfigError."""
    if not node:
        return None
    domain = node["domain"].required_text()
    if domain not in PERSONALITIES:
        raise node["domain"].fail(f"must be LINUX or LINUX32, and is {domain!r}")
    if node["flags"].texts():
        raise node["flags"].fail("personality flags are not supported")
    return PERSONALITIES[domain]
