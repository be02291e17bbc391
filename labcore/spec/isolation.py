"""Isolation: mounts, devices, rlimits, ids, users and capabilities, in the OCI runtime specification's terms."""

from __future__ import annotations

from functools import cache

from labcore.errors import InvalidInput
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

ID_MAX: Final = (1 << 32) - 2  # of users and groups: one more means "leave it as it is" to setresuid(2)


def parse_id(text: str) -> int:
    """Read the number of a user or group. Raises InvalidInput."""
    digits = text.lstrip("0") or text[-1:]
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > len(str(ID_MAX)) or int(digits) > ID_MAX:
        raise InvalidInput(f"{text!r} is no number of a user or group: they go from 0 to {ID_MAX}")
    return int(digits)


class MountPoint(Record):
    """A mount of the container (config.md, mounts).

    `kind` is a file system type, or `bind` for a directory or file of the host, `source`. `options` are mount(8)'s words:
    `ro`, `nosuid`, `rbind`, `rslave`, and whatever the file system itself takes, such as `mode=755`. `uid_map` and `gid_map`
    say who its files' owners are outside; with `idmap` alone that is as in the container's user namespace.
    """

    target: str
    kind: str
    source: str = "none"
    options: tuple[str, ...] = ()
    uid_map: tuple[IdRange, ...] = ()
    gid_map: tuple[IdRange, ...] = ()


class Device(Record):
    """A device node: `kind` is `c`, `b` or `p` (a FIFO)."""

    path: str
    kind: str
    major: int = 0
    minor: int = 0
    mode: int = 0o666
    uid: int = 0
    gid: int = 0


class DeviceRule(Record):
    """May devices of this kind (`a`, `c`, `b`) and number (None: any) be read, written, made (`access`: of `rwm`)?"""

    allow: bool
    kind: str = "a"
    major: int | None = None
    minor: int | None = None
    access: str = "rwm"


class Rlimit(Record):
    """A resource limit, setrlimit(2): `name` without RLIMIT_; -1 is no limit."""

    name: str
    soft: int
    hard: int


class IdRange(Record):
    """`size` ids from `inside` on are, seen from outside, those from `outside` on: user_namespaces(7)."""

    inside: int
    outside: int
    size: int

    def __post_init__(self) -> None:
        for first in (self.inside, self.outside):
            if not (0 <= first <= ID_MAX and 0 < self.size <= ID_MAX + 1 - first):
                raise InvalidInput(f"ids: {self.size} of them from {first} on: they go from 0 to {ID_MAX}")


class User(Record):
    """The program's user, groups and umask."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    umask: int = 0o022

    def __post_init__(self) -> None:
        for number in (self.uid, self.gid, *self.groups):
            if not 0 <= number <= ID_MAX:
                raise InvalidInput(f"user: {number} is no id of a user or group: they go from 0 to {ID_MAX}")


class CapabilitySets(Record):
    """The five sets of capabilities(7), names without CAP_."""

    bounding: tuple[str, ...] = ()
    effective: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()
    inheritable: tuple[str, ...] = ()
    ambient: tuple[str, ...] = ()


# What root in a container may still do: Docker's fourteen, and without MKNOD, which is harmless only behind a list of devices.
DOCKER_CAPABILITIES: Final = (
    "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
    "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
)  # fmt: skip
DEFAULT_CAPABILITIES: Final = tuple(name for name in DOCKER_CAPABILITIES if name != "MKNOD")


@cache
def root_with(names: tuple[str, ...]) -> CapabilitySets:
    """Return the sets of a root that has these, and may pass none of them on: what Docker gives."""
    return CapabilitySets(bounding=names, effective=names, permitted=names)


QUIET: Final = ("nosuid", "noexec", "nodev")
DEFAULT_MOUNTS: Final = (
    MountPoint("/proc", "proc", "proc", QUIET),
    MountPoint("/sys", "sysfs", "sysfs", (*QUIET, "ro")),
    MountPoint("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
    MountPoint("/dev/pts", "devpts", "devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")),
    MountPoint("/dev/shm", "tmpfs", "shm", (*QUIET, "mode=1777", "size=65536k")),
    MountPoint("/dev/mqueue", "mqueue", "mqueue", QUIET),
)
DEFAULT_DEVICES: Final = (
    Device("/dev/null", "c", 1, 3),
    Device("/dev/zero", "c", 1, 5),
    Device("/dev/full", "c", 1, 7),
    Device("/dev/random", "c", 1, 8),
    Device("/dev/urandom", "c", 1, 9),
    Device("/dev/tty", "c", 5, 0),
)

# Parts of /proc and /sys that are the whole machine's, not the container's: hidden, or shown but not to be written to.
MASKED_PATHS: Final = (
    "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
    "/sys/devices/virtual/powercap",
)  # fmt: skip
READONLY_PATHS: Final = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
