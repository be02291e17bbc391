"""Flags of system calls as Python enumerations; every value is the one that the C compiler saw."""

from __future__ import annotations

from labcore.enumeration import IntEnum, IntFlag
from labcore.native._native import lib


class CloneFlag(IntFlag):
    """Which namespaces a new process gets: clone(2), namespaces(7)."""

    NEWNS = lib.CLONE_NEWNS
    NEWPID = lib.CLONE_NEWPID
    NEWUTS = lib.CLONE_NEWUTS
    NEWIPC = lib.CLONE_NEWIPC
    NEWNET = lib.CLONE_NEWNET
    NEWCGROUP = lib.CLONE_NEWCGROUP
    NEWUSER = lib.CLONE_NEWUSER
    NEWTIME = lib.CLONE_NEWTIME
    INTO_CGROUP = lib.CLONE_INTO_CGROUP


class MountFlag(IntFlag):
    """The flags of mount(2)."""

    RDONLY = lib.MS_RDONLY
    NOSUID = lib.MS_NOSUID
    NODEV = lib.MS_NODEV
    NOEXEC = lib.MS_NOEXEC
    REMOUNT = lib.MS_REMOUNT
    NOATIME = lib.MS_NOATIME
    BIND = lib.MS_BIND
    MOVE = lib.MS_MOVE
    REC = lib.MS_REC
    UNBINDABLE = lib.MS_UNBINDABLE
    PRIVATE = lib.MS_PRIVATE
    SLAVE = lib.MS_SLAVE
    SHARED = lib.MS_SHARED
    RELATIME = lib.MS_RELATIME
    STRICTATIME = lib.MS_STRICTATIME
    SYNCHRONOUS = lib.MS_SYNCHRONOUS
    MANDLOCK = lib.MS_MANDLOCK
    DIRSYNC = lib.MS_DIRSYNC
    NODIRATIME = lib.MS_NODIRATIME
    SILENT = lib.MS_SILENT
    POSIXACL = lib.MS_POSIXACL
    I_VERSION = lib.MS_I_VERSION
    LAZYTIME = lib.MS_LAZYTIME
    NOSYMFOLLOW = lib.MS_NOSYMFOLLOW


class UnmountFlag(IntFlag):
    """The flags of umount2(2)."""

    FORCE = lib.MNT_FORCE
    DETACH = lib.MNT_DETACH
    EXPIRE = lib.MNT_EXPIRE
    NOFOLLOW = lib.UMOUNT_NOFOLLOW


class MountAttribute(IntFlag):
    """The attributes of mount_setattr(2) and fsmount(2)."""

    RDONLY = lib.MOUNT_ATTR_RDONLY
    NOSUID = lib.MOUNT_ATTR_NOSUID
    NODEV = lib.MOUNT_ATTR_NODEV
    NOEXEC = lib.MOUNT_ATTR_NOEXEC
    IDMAP = lib.MOUNT_ATTR_IDMAP
    NOATIME = lib.MOUNT_ATTR_NOATIME
    STRICTATIME = lib.MOUNT_ATTR_STRICTATIME
    ATIME = lib.MOUNT_ATTR__ATIME
    NODIRATIME = lib.MOUNT_ATTR_NODIRATIME
    NOSYMFOLLOW = lib.MOUNT_ATTR_NOSYMFOLLOW


class TreeFlag(IntFlag):
    """The flags of open_tree(2)."""

    CLONE = lib.OPEN_TREE_CLONE
    CLOEXEC = lib.OPEN_TREE_CLOEXEC
    RECURSIVE = lib.AT_RECURSIVE
    EMPTY_PATH = lib.AT_EMPTY_PATH
    SYMLINK_NOFOLLOW = lib.AT_SYMLINK_NOFOLLOW


class MoveFlag(IntFlag):
    """The flags of move_mount(2)."""

    F_EMPTY_PATH = lib.MOVE_MOUNT_F_EMPTY_PATH
    T_SYMLINKS = lib.MOVE_MOUNT_T_SYMLINKS
    T_EMPTY_PATH = lib.MOVE_MOUNT_T_EMPTY_PATH


class ConfigCommand(IntEnum):
    """The commands of fsconfig(2)."""

    SET_FLAG = lib.FSCONFIG_SET_FLAG
    SET_STRING = lib.FSCONFIG_SET_STRING
    SET_FD = lib.FSCONFIG_SET_FD
    CREATE = lib.FSCONFIG_CMD_CREATE


class Resolve(IntFlag):
    """How openat2(2) walks a path."""

    NO_XDEV = lib.RESOLVE_NO_XDEV
    NO_MAGICLINKS = lib.RESOLVE_NO_MAGICLINKS
    NO_SYMLINKS = lib.RESOLVE_NO_SYMLINKS
    BENEATH = lib.RESOLVE_BENEATH
    IN_ROOT = lib.RESOLVE_IN_ROOT


class CloseFlag(IntFlag):
    """The flags of close_range(2)."""

    UNSHARE = lib.CLOSE_RANGE_UNSHARE
    CLOEXEC = lib.CLOSE_RANGE_CLOEXEC


class Prctl(IntEnum):
    """The options of prctl(2) that a container needs."""

    SET_PDEATHSIG = lib.PR_SET_PDEATHSIG
    SET_DUMPABLE = lib.PR_SET_DUMPABLE
    GET_PDEATHSIG = lib.PR_GET_PDEATHSIG
    GET_DUMPABLE = lib.PR_GET_DUMPABLE
    CAPBSET_READ = lib.PR_CAPBSET_READ
    CAPBSET_DROP = lib.PR_CAPBSET_DROP
    SET_NO_NEW_PRIVS = lib.PR_SET_NO_NEW_PRIVS
    GET_NO_NEW_PRIVS = lib.PR_GET_NO_NEW_PRIVS
    CAP_AMBIENT = lib.PR_CAP_AMBIENT
    SET_KEEPCAPS = lib.PR_SET_KEEPCAPS
    SET_NAME = lib.PR_SET_NAME
    SET_CHILD_SUBREAPER = lib.PR_SET_CHILD_SUBREAPER


class SeccompMode(IntEnum):
    """The operations of seccomp(2)."""

    STRICT = lib.SECCOMP_SET_MODE_STRICT
    FILTER = lib.SECCOMP_SET_MODE_FILTER
    ACTION_AVAIL = lib.SECCOMP_GET_ACTION_AVAIL


class Capability(IntEnum):
    """The parts that root's power is cut into: capabilities(7)."""

    (
        CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, LINUX_IMMUTABLE, NET_BIND_SERVICE,
        NET_BROADCAST, NET_ADMIN, NET_RAW, IPC_LOCK, IPC_OWNER, SYS_MODULE, SYS_RAWIO, SYS_CHROOT, SYS_PTRACE, SYS_PACCT,
        SYS_ADMIN, SYS_BOOT, SYS_NICE, SYS_RESOURCE, SYS_TIME, SYS_TTY_CONFIG, MKNOD, LEASE, AUDIT_WRITE, AUDIT_CONTROL,
        SETFCAP, MAC_OVERRIDE, MAC_ADMIN, SYSLOG, WAKE_ALARM, BLOCK_SUSPEND, AUDIT_READ, PERFMON, BPF, CHECKPOINT_RESTORE,
    ) = range(41)  # fmt: skip


# For sockets and filters; single values, that nobody combines.
AF_INET: int = lib.AF_INET
SOCK_DGRAM: int = lib.SOCK_DGRAM | lib.SOCK_CLOEXEC
SIOCSIFFLAGS: int = lib.SIOCSIFFLAGS
IFF_UP: int = lib.IFF_UP
TIOCSCTTY: int = lib.TIOCSCTTY
TIOCSPTLCK: int = lib.TIOCSPTLCK
TIOCGPTPEER: int = lib.TIOCGPTPEER
TIOCSWINSZ: int = lib.TIOCSWINSZ
SECCOMP_RET_ALLOW: int = lib.SECCOMP_RET_ALLOW


def describe(value: int) -> str:
    """Return a flag word as its names, `REC|PRIVATE`, an enumeration by its name, and any other integer as digits."""
    if isinstance(value, IntFlag):
        names = [flag.name or hex(flag) for flag in value]
        return "|".join(names) or "0"
    if isinstance(value, IntEnum):
        return value.name
    return str(int(value))
