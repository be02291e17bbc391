"""System calls that containers need, one thin function each.

Called, each acts at once and on *this thread*: most of them belong in a helper process, not in a program with threads.
`.step(…)` of the same function gives the call as a value for a plan. Every failure is a SystemCallError.
"""

from __future__ import annotations

import struct
from functools import cache

from labcore.native._native import lib
from labcore.native.flags import (
    Capability,
    CloneFlag,
    CloseFlag,
    MountAttribute,
    MountFlag,
    MoveFlag,
    SeccompMode,
    TreeFlag,
    UnmountFlag,
)
from labcore.native.step import Register, Step, SystemCall, Words, mask, perform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from labcore.native.flags import (
        ConfigCommand,
        Prctl,
        Resolve,
    )
    from labcore.native.step import Argument

AT_FDCWD: int = lib.AT_FDCWD
Descriptor = int | Register


@SystemCall
def unshare(flags: CloneFlag) -> Step:
    """Give this thread namespaces of its own: unshare(2). EINVAL for NEWUSER in a process with threads."""
    return Step("unshare", lib.SYS_unshare, (flags,))


@SystemCall
def setns(fd: Descriptor, flags: CloneFlag = CloneFlag(0)) -> Step:
    """Join the namespace behind `fd` (a /proc/PID/ns file, or a pidfd with `flags`): setns(2)."""
    return Step("setns", lib.SYS_setns, (fd, flags))


@SystemCall
def mount(
    source: str | None, target: str, fstype: str | None = None, flags: MountFlag = MountFlag(0), data: str | None = None
) -> Step:
    """Attach a file system, or change how one is attached: mount(2)."""
    return Step("mount", lib.SYS_mount, (source or "none", target, fstype or 0, flags, data or 0))


@SystemCall
def umount2(target: str, flags: UnmountFlag = UnmountFlag(0)) -> Step:
    """Detach a file system: umount(2)."""
    return Step("umount2", lib.SYS_umount2, (target, flags))


@SystemCall
def pivot_root(new_root: str, put_old: str) -> Step:
    """Swap the root mount of this mount namespace: pivot_root(2)."""
    return Step("pivot_root", lib.SYS_pivot_root, (new_root, put_old))


@SystemCall
def open_tree(dirfd: Descriptor, path: str, flags: TreeFlag = TreeFlag(0)) -> Step:
    """Return a descriptor of a mount, or with CLONE of a detached copy: open_tree(2). Close-on-exec."""
    return Step("open_tree", lib.SYS_open_tree, (dirfd, path, flags | TreeFlag.CLOEXEC))


@SystemCall
def move_mount(from_fd: Descriptor, source: str, to_fd: Descriptor, target: str, flags: MoveFlag = MoveFlag(0)) -> Step:
    """Attach a mount that a descriptor stands for: move_mount(2)."""
    return Step("move_mount", lib.SYS_move_mount, (from_fd, source, to_fd, target, flags))


@SystemCall
def mount_setattr(
    dirfd: Descriptor,
    path: str,
    flags: TreeFlag,
    *,
    set: MountAttribute = MountAttribute(0),
    clear: MountAttribute = MountAttribute(0),
    propagation: MountFlag = MountFlag(0),
    userns_fd: int = 0,
) -> Step:
    """Change attributes of a mount, with RECURSIVE of the whole tree: mount_setattr(2)."""
    attributes = struct.pack("=QQQQ", set, clear, propagation, userns_fd)
    return Step("mount_setattr", lib.SYS_mount_setattr, (dirfd, path, flags, attributes, len(attributes)))


@SystemCall
def fsopen(fstype: str) -> Step:
    """Return a descriptor of a file system to be configured: fsopen(2). Close-on-exec."""
    return Step("fsopen", lib.SYS_fsopen, (fstype, lib.FSOPEN_CLOEXEC))


@SystemCall
def fsconfig(fd: Descriptor, command: ConfigCommand, key: str | None = None, value: str | None = None) -> Step:
    """Set one option of it, or CREATE it: fsconfig(2)."""
    return Step("fsconfig", lib.SYS_fsconfig, (fd, command, key or 0, value or 0, 0))


@SystemCall
def fsmount(fd: Descriptor, attributes: MountAttribute = MountAttribute(0)) -> Step:
    """Return a descriptor of a mount of it, attached nowhere yet: fsmount(2). Close-on-exec."""
    return Step("fsmount", lib.SYS_fsmount, (fd, lib.FSMOUNT_CLOEXEC, attributes))


@SystemCall
def sethostname(name: str) -> Step:
    """Name the host, as this UTS namespace sees it: sethostname(2). At most 64 bytes."""
    return Step("sethostname", lib.SYS_sethostname, (name, len(name.encode())))


@SystemCall
def setdomainname(name: str) -> Step:
    """Set the NIS domain name of this UTS namespace: setdomainname(2). At most 64 bytes."""
    return Step("setdomainname", lib.SYS_setdomainname, (name, len(name.encode())))


@SystemCall
def prctl(option: Prctl, a: int = 0, b: int = 0, c: int = 0, d: int = 0) -> Step:
    """Change one of the many properties of this thread: prctl(2)."""
    return Step("prctl", lib.SYS_prctl, (option, a, b, c, d))


@SystemCall
def seccomp(mode: SeccompMode, flags: int = 0, program: bytes | int = 0) -> Step:
    """Load a filter: seccomp(2). `program` is compiled classic BPF, 8 bytes an instruction (for ACTION_AVAIL, 4 bytes)."""
    argument: Argument = program
    if mode is SeccompMode.FILTER and isinstance(program, bytes):
        argument = Words((len(program) // 8, program))  # struct sock_fprog: a length, then a pointer
    return Step("seccomp", lib.SYS_seccomp, (mode, flags, argument))


@SystemCall
def capset(*, effective: Iterable[Capability], permitted: Iterable[Capability], inheritable: Iterable[Capability]) -> Step:
    """Set this thread's capability sets: capset(2)."""
    sets = [mask(which) for which in (effective, permitted, inheritable)]
    low = [bits & 0xFFFFFFFF for bits in sets]
    high = [bits >> 32 for bits in sets]
    header = struct.pack("=Ii", lib._LINUX_CAPABILITY_VERSION_3, 0)
    return Step("capset", lib.SYS_capset, (header, struct.pack("=6I", *low, *high)))


def capget(pid: int = 0) -> dict[str, frozenset[Capability]]:
    """Return the `effective`, `permitted` and `inheritable` sets of a process (0: this thread): capget(2)."""
    data = bytearray(24)
    header = struct.pack("=Ii", lib._LINUX_CAPABILITY_VERSION_3, pid)
    perform(Step("capget", lib.SYS_capget, (header, data)))
    words = struct.unpack("=6I", data)
    names = ("effective", "permitted", "inheritable")
    return {name: _as_set(words[i] | words[i + 3] << 32) for i, name in enumerate(names)}


@cache
def _as_set(bits: int) -> frozenset[Capability]:
    return frozenset(capability for capability in Capability if bits >> capability & 1)


@SystemCall
def pidfd_open(pid: int) -> Step:
    """Return a descriptor that stands for a process, and for no other that gets its number later: pidfd_open(2)."""
    return Step("pidfd_open", lib.SYS_pidfd_open, (pid, 0))


@SystemCall
def pidfd_send_signal(pidfd: int, signal: int) -> Step:
    """Send a signal to the process behind a pidfd: pidfd_send_signal(2)."""
    return Step("pidfd_send_signal", lib.SYS_pidfd_send_signal, (pidfd, signal, 0, 0))


@SystemCall
def close_range(first: int, last: int = 0xFFFFFFFF, flags: CloseFlag = CloseFlag(0)) -> Step:
    """Close descriptors `first` to `last`, or with CLOEXEC mark them: close_range(2)."""
    return Step("close_range", lib.SYS_close_range, (first, last, flags))


@SystemCall
def openat2(dirfd: Descriptor, path: str | bytes, flags: int, *, resolve: Resolve, mode: int = 0) -> Step:
    """Open a path under rules: openat2(2). With IN_ROOT, `dirfd` is the root, whatever `..` or a link says."""
    how = struct.pack("=QQQ", flags, mode, resolve)
    return Step("openat2", lib.SYS_openat2, (dirfd, path, how, len(how)))


# --- files and processes, for plans; Python's own `os` has them for use at once


@SystemCall
def chdir(path: str) -> Step:
    """Change the working directory: chdir(2)."""
    return Step("chdir", lib.SYS_chdir, (path,))


@SystemCall
def chroot(path: str) -> Step:
    """Change the directory that `/` means to this process: chroot(2). No wall: whoever may call it gets out again."""
    return Step("chroot", lib.SYS_chroot, (path,))


@SystemCall
def fchdir(fd: Descriptor) -> Step:
    """Change the working directory to one that is open: fchdir(2)."""
    return Step("fchdir", lib.SYS_fchdir, (fd,))


@SystemCall
def mkdirat(dirfd: Descriptor, path: str, mode: int) -> Step:
    """Make a directory: mkdirat(2)."""
    return Step("mkdirat", lib.SYS_mkdirat, (dirfd, path, mode))


@SystemCall
def mknodat(dirfd: Descriptor, path: str, mode: int, device: int) -> Step:
    """Make a device node, a FIFO or an empty file: mknodat(2)."""
    return Step("mknodat", lib.SYS_mknodat, (dirfd, path, mode, device))


@SystemCall
def symlinkat(target: str, dirfd: Descriptor, path: str) -> Step:
    """Make a symbolic link: symlinkat(2)."""
    return Step("symlinkat", lib.SYS_symlinkat, (target, dirfd, path))


@SystemCall
def openat(dirfd: Descriptor, path: str, flags: int, mode: int = 0) -> Step:
    """Open a file, with O_CREAT one that need not exist: openat(2)."""
    return Step("openat", lib.SYS_openat, (dirfd, path, flags, mode))


@SystemCall
def dup3(fd: Descriptor, target: int, flags: int = 0) -> Step:
    """Make descriptor `target` mean the same as `fd`: dup(2)."""
    return Step("dup3", lib.SYS_dup3, (fd, target, flags))


@SystemCall
def pidfd_getfd(pidfd: int, fd: int) -> Step:
    """Return a copy of another process's descriptor: pidfd_getfd(2)."""
    return Step("pidfd_getfd", lib.SYS_pidfd_getfd, (pidfd, fd, 0))


@SystemCall
def unlinkat(dirfd: Descriptor, path: str, flags: int = 0) -> Step:
    """Remove a name: unlink(2)."""
    return Step("unlinkat", lib.SYS_unlinkat, (dirfd, path, flags))


@SystemCall
def fchownat(dirfd: Descriptor, path: str, user: int, group: int, flags: int = 0) -> Step:
    """Change who owns a file: chown(2)."""
    return Step("fchownat", lib.SYS_fchownat, (dirfd, path, user, group, flags))


@SystemCall
def fchmodat(dirfd: Descriptor, path: str, mode: int) -> Step:
    """Change a file's permissions; a link is followed: chmod(2)."""
    return Step("fchmodat", lib.SYS_fchmodat, (dirfd, path, mode))


@SystemCall
def utimensat(dirfd: Descriptor, path: str, accessed: int, modified: int, flags: int = 0) -> Step:
    """Set a file's times, in nanoseconds since 1970: utimensat(2)."""
    times = struct.pack("=qqqq", *divmod(accessed, 10**9), *divmod(modified, 10**9))
    return Step("utimensat", lib.SYS_utimensat, (dirfd, path, times, flags))


@SystemCall
def prlimit(pid: int, resource: int, soft: int, hard: int) -> Step:
    """Set a resource limit of a process (0: this one); -1 is no limit: prlimit(2)."""
    limit = struct.pack("=QQ", soft & (1 << 64) - 1, hard & (1 << 64) - 1)
    return Step("prlimit", lib.SYS_prlimit64, (pid, resource, limit, 0))


@SystemCall
def personality(persona: int) -> Step:
    """Choose which system this process is shown: personality(2)."""
    return Step("personality", lib.SYS_personality, (persona,))


@SystemCall
def keyctl(operation: int, argument: int = 0) -> Step:
    """Do something with the kernel's keyrings: keyctl(2)."""
    return Step("keyctl", lib.SYS_keyctl, (operation, argument))


@SystemCall
def bpf(command: int, attributes: bytes | Words, size: int) -> Step:
    """Load, attach or ask about an eBPF program: bpf(2)."""
    return Step("bpf", lib.SYS_bpf, (command, attributes, size))


@SystemCall
def inotify_init1(flags: int) -> Step:
    """Return a descriptor to read events of files from; `flags` are O_NONBLOCK and O_CLOEXEC: inotify_init1(2)."""
    return Step("inotify_init1", lib.SYS_inotify_init1, (flags,))


@SystemCall
def inotify_add_watch(fd: Descriptor, path: str, events: int) -> Step:
    """Have such events at a path reported there; in a directory, those of its files: inotify_add_watch(2)."""
    return Step("inotify_add_watch", lib.SYS_inotify_add_watch, (fd, path, events))


@SystemCall
def recvmsg(fd: Descriptor, descriptors: int) -> Step:
    """Receive one byte and so many descriptors, close-on-exec, from a unix socket: recvmsg(2), SCM_RIGHTS."""
    control = bytearray(16 + (4 * descriptors + 7 & ~7))  # CMSG_SPACE
    header = Words((0, 0, Words((bytearray(1), 1)), 1, control, len(control), 0))  # struct msghdr, with one struct iovec
    return Step("recvmsg", lib.SYS_recvmsg, (fd, header, lib.MSG_CMSG_CLOEXEC))


@SystemCall
def read(fd: Descriptor, buffer: bytearray) -> Step:
    """Read into a buffer: read(2)."""
    return Step("read", lib.SYS_read, (fd, buffer, len(buffer)))


@SystemCall
def write(fd: Descriptor, data: bytes) -> Step:
    """Write bytes: write(2)."""
    return Step("write", lib.SYS_write, (fd, data, len(data)))


@SystemCall
def close(fd: Descriptor) -> Step:
    """Close a descriptor: close(2)."""
    return Step("close", lib.SYS_close, (fd,))


@SystemCall
def syncfs(fd: Descriptor) -> Step:
    """Write out what the file system that holds `fd` still has in memory: syncfs(2)."""
    return Step("syncfs", lib.SYS_syncfs, (fd,))


@SystemCall
def socket(domain: int, kind: int, protocol: int = 0) -> Step:
    """Make a socket: socket(2)."""
    return Step("socket", lib.SYS_socket, (domain, kind, protocol))


@SystemCall
def ioctl(fd: Descriptor, request: int, argument: bytearray | bytes | int) -> Step:
    """Ask a device or a socket for something of its own kind: ioctl(2)."""
    return Step("ioctl", lib.SYS_ioctl, (fd, request, argument))


@SystemCall
def setgroups(groups: Sequence[int]) -> Step:
    """Set the supplementary groups: setgroups(2)."""
    return Step("setgroups", lib.SYS_setgroups, (len(groups), struct.pack(f"={len(groups)}I", *groups)))


@SystemCall
def setresgid(group: int) -> Step:
    """Set the real, effective and saved group: setresgid(2)."""
    return Step("setresgid", lib.SYS_setresgid, (group, group, group))


@SystemCall
def setresuid(user: int) -> Step:
    """Set the real, effective and saved user; without root's id, root's capabilities are gone: setresuid(2)."""
    return Step("setresuid", lib.SYS_setresuid, (user, user, user))


@SystemCall
def umask(mode: int) -> Step:
    """Set which permissions new files lack: umask(2)."""
    return Step("umask", lib.SYS_umask, (mode,))


@SystemCall
def setsid() -> Step:
    """Begin a session of one's own, without a terminal: setsid(2)."""
    return Step("setsid", lib.SYS_setsid, ())


@SystemCall
def execveat(fd: Descriptor, argv: Sequence[str], environment: Sequence[str]) -> Step:
    """Become the program that a descriptor stands for: execveat(2)."""
    words = (Words((*argv, 0)), Words((*environment, 0)))
    return Step("execveat", lib.SYS_execveat, (fd, "", *words, lib.AT_EMPTY_PATH))


@SystemCall
def execve(path: str, argv: Sequence[str], environment: Sequence[str]) -> Step:
    """Become another program: execve(2)."""
    return Step("execve", lib.SYS_execve, (path, Words((*argv, 0)), Words((*environment, 0))))


@SystemCall
def sched_setattr(attributes: bytes) -> Step:
    """Choose this thread's scheduling policy, by a struct sched_attr: sched_setattr(2)."""
    return Step("sched_setattr", lib.SYS_sched_setattr, (0, attributes, 0))


@SystemCall
def sched_setaffinity(processors: bytes) -> Step:
    """Have this thread run on the processors whose bits are set: sched_setaffinity(2)."""
    return Step("sched_setaffinity", lib.SYS_sched_setaffinity, (0, len(processors), processors))


@SystemCall
def ioprio_set(priority: int) -> Step:
    """Set this thread's I/O priority, with its class in the bits from 13 on: ioprio_set(2)."""
    return Step("ioprio_set", lib.SYS_ioprio_set, (1, 0, priority))  # IOPRIO_WHO_PROCESS


@SystemCall
def set_mempolicy(mode: int, nodes: bytes) -> Step:
    """Say from which NUMA nodes this thread's memory is taken, those whose bits are set: set_mempolicy(2)."""
    return Step("set_mempolicy", lib.SYS_set_mempolicy, (mode, nodes or 0, 8 * len(nodes) + 1 if nodes else 0))
