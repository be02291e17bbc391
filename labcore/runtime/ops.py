"""The vocabulary of plans: each op is a frozen value that says what it does and which system calls that takes."""

import errno
import os
import struct
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import ClassVar

from labcore import native
from labcore.errors import InvalidInput
from labcore.native import (
    Capability,
    CloneFlag,
    MountAttribute,
    MountFlag,
    Prctl,
    Process,
    Register,
    Step,
    TreeFlag,
    UnmountFlag,
)
from labcore.native.flags import describe
from labcore.native.spawn import SYNC_DESCRIPTOR
from labcore.native.step import errors
from labcore.record import Record

EXISTS_IS_FINE = errors(errno.EEXIST)
NOT_THIS_ONE = errors(errno.ENOENT, errno.ENOTDIR, errno.EACCES)
ABSENT = errors(errno.ENOENT)
UNKNOWN_HERE = errors(errno.EINVAL)
HIGHEST_CAPABILITY = 63  # that the kernel's sets have room for: one that is too new to have a name here is dropped too


class Op(Record):
    """One line of a plan. `name` and `detail` are what the printed plan shows; `calls` says what the walker does."""

    name: ClassVar[str] = "op"
    needs: ClassVar[CloneFlag] = CloneFlag(0)  # the namespaces without which it would change the host itself

    @cached_property
    def detail(self) -> str:
        """What the printed plan says behind the name."""
        return " ".join(str(value) for value in self.values())

    def calls(self) -> Sequence[Step]:
        """Return the system calls that the op takes, in order."""
        return ()

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The same, worked out once: an op never changes."""
        return tuple(self.calls())

    def __str__(self) -> str:
        return f"{self.name} {self.detail}".rstrip()


class Clone(Op):
    """Make the process, with new namespaces: clone(2). Always the first op.

    `cgroup` is a descriptor of a v2 cgroup to start in (which sets INTO_CGROUP), -1 for the starter's own.
    """

    flags: CloneFlag = CloneFlag(0)
    cgroup: int = -1
    name: ClassVar[str] = "clone"

    def __post_init__(self) -> None:
        if self.flags & CloneFlag.INTO_CGROUP:
            raise InvalidInput("clone: say which cgroup: Clone(flags, cgroup=DESCRIPTOR) sets INTO_CGROUP by itself")

    @cached_property
    def detail(self) -> str:
        names = describe(self.flags).replace("|", " ") if self.flags else "no new namespaces"
        return names + (f" cgroup fd {self.cgroup}" if self.cgroup >= 0 else "")


class SetHostname(Op):
    """Name the host: sethostname(2)."""

    hostname: str
    name: ClassVar[str] = "sethostname"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWUTS

    def calls(self) -> Sequence[Step]:
        return [native.sethostname.step(self.hostname)]


class Mount(Op):
    """Attach a file system or change a mount: mount(2)."""

    source: str
    target: str
    fstype: str | None = None
    flags: MountFlag = MountFlag(0)
    data: str | None = None
    name: ClassVar[str] = "mount"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    @cached_property
    def detail(self) -> str:
        options = describe(self.flags).lower().replace("|", " ") if self.flags else ""
        return " ".join(part for part in (f"{self.source} on {self.target}", options, self.data or "") if part)

    @property
    def options(self) -> dict[str, str]:
        """The options in `data`, by name."""
        return dict(part.partition("=")[::2] for part in (self.data or "").split(","))

    def calls(self) -> Sequence[Step]:
        return [native.mount.step(self.source, self.target, self.fstype, self.flags, self.data)]


class SetMountAttributes(Op):
    """Change what may be done on a mount and on all below it: mount_setattr(2), Linux 5.12."""

    path: str
    attributes: MountAttribute
    name: ClassVar[str] = "mount_setattr"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    @cached_property
    def detail(self) -> str:
        return f"{self.path} rec {describe(self.attributes).lower().replace('|', ' ')}"

    def calls(self) -> Sequence[Step]:
        return [native.mount_setattr.step(native.AT_FDCWD, self.path, TreeFlag.RECURSIVE, set=self.attributes)]


class Unmount(Op):
    """Detach a file system: umount2(2)."""

    target: str
    flags: UnmountFlag = UnmountFlag(0)
    name: ClassVar[str] = "umount2"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    @cached_property
    def detail(self) -> str:
        return f"{self.target} {describe(self.flags).lower() if self.flags else ''}".rstrip()

    def calls(self) -> Sequence[Step]:
        return [native.umount2.step(self.target, self.flags)]


class PivotRoot(Op):
    """Make `new_root` the root and stack the old root on `put_old`: pivot_root(2)."""

    new_root: str = "."
    put_old: str = "."
    name: ClassVar[str] = "pivot_root"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    def calls(self) -> Sequence[Step]:
        return [native.pivot_root.step(self.new_root, self.put_old)]


class Chdir(Op):
    """Change the working directory: chdir(2)."""

    path: str
    name: ClassVar[str] = "chdir"

    def calls(self) -> Sequence[Step]:
        return [native.chdir.step(self.path)]


class MakeDirectories(Op):
    """Make directories, each under its parent in the list; one that is there already is fine: mkdir(2)."""

    paths: tuple[str, ...]
    mode: int = 0o755
    name: ClassVar[str] = "mkdir"

    @cached_property
    def detail(self) -> str:
        return " ".join(self.paths)

    def calls(self) -> Sequence[Step]:
        make = (native.mkdirat.step(native.AT_FDCWD, path, self.mode) for path in self.paths)
        return [step.replace(tolerate=EXISTS_IS_FINE) for step in make]


class MakeDevices(Op):
    """Make character devices that everyone may use, each a path with its major and minor number: mknod(2)."""

    devices: tuple[tuple[str, int, int], ...]
    name: ClassVar[str] = "mknod"

    @cached_property
    def detail(self) -> str:
        return " ".join(f"{path} {major}:{minor}" for path, major, minor in self.devices)

    def calls(self) -> Sequence[Step]:
        character_device = 0o020666
        return [
            native.mknodat.step(native.AT_FDCWD, path, character_device, os.makedev(major, minor))
            for path, major, minor in self.devices
        ]


class MakeLinks(Op):
    """Make symbolic links, each a path with what it points to: symlink(2)."""

    links: tuple[tuple[str, str], ...]
    name: ClassVar[str] = "symlink"

    @cached_property
    def detail(self) -> str:
        return " ".join(f"{path}→{target}" for path, target in self.links)

    def calls(self) -> Sequence[Step]:
        return [native.symlinkat.step(target, native.AT_FDCWD, path) for path, target in self.links]


class WriteFile(Op):
    """Write a text into a file that exists, as into those of /proc and /sys."""

    path: str
    text: str
    name: ClassVar[str] = "write"

    @cached_property
    def detail(self) -> str:
        return f"{self.text!r} to {self.path}"

    def calls(self) -> Sequence[Step]:
        return [
            native.openat.step(native.AT_FDCWD, self.path, os.O_WRONLY | os.O_CLOEXEC).replace(result=0),
            native.write.step(Register(0), self.text.encode()),
            native.close.step(Register(0)),
        ]


class Hide(Op):
    """Cover files with /dev/null and directories with an empty, read-only tmpfs; what this kernel lacks is passed over."""

    files: tuple[str, ...]
    directories: tuple[str, ...] = ()
    name: ClassVar[str] = "hide"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    @cached_property
    def detail(self) -> str:
        return " ".join(self.files + self.directories)

    def calls(self) -> Sequence[Step]:
        read_only = MountFlag.RDONLY | MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC
        files = [native.mount.step("/dev/null", path, None, MountFlag.BIND) for path in self.files]
        directories = [native.mount.step("tmpfs", path, "tmpfs", read_only, "size=0") for path in self.directories]
        return [step.replace(tolerate=ABSENT) for step in (*files, *directories)]


class Protect(Op):
    """Make parts of the tree read-only, each by a mount of itself; what this kernel lacks is passed over."""

    paths: tuple[str, ...]
    name: ClassVar[str] = "read-only"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWNS

    @cached_property
    def detail(self) -> str:
        return " ".join(self.paths)

    def calls(self) -> Sequence[Step]:
        steps = []
        for path in self.paths:
            steps.append(native.mount.step(path, path, None, MountFlag.BIND | MountFlag.REC))
            remount = MountFlag.BIND | MountFlag.REMOUNT | MountFlag.RDONLY | MountFlag.NOSUID | MountFlag.NODEV
            steps.append(native.mount.step(None, path, None, remount | MountFlag.NOEXEC))
        return [step.replace(tolerate=ABSENT) for step in steps]


class LinkUp(Op):
    """Switch a network interface on: netdevice(7)."""

    interface: str = "lo"
    name: ClassVar[str] = "link up"

    def calls(self) -> Sequence[Step]:
        request = bytearray(struct.pack("=16sH22x", self.interface.encode(), native.IFF_UP))  # struct ifreq
        return [
            native.socket.step(native.AF_INET, native.SOCK_DGRAM).replace(result=0),
            native.ioctl.step(Register(0), native.SIOCSIFFLAGS, request),
            native.close.step(Register(0)),
        ]


class NewSession(Op):
    """Leave the starter's session, and with it its terminal: setsid(2). Its keyboard cannot be typed on from inside."""

    name: ClassVar[str] = "setsid"

    def calls(self) -> Sequence[Step]:
        return [native.setsid.step()]


class DieWithParent(Op):
    """Be killed when the thread that started this process ends: prctl(2), PR_SET_PDEATHSIG."""

    signal: int = 9
    name: ClassVar[str] = "death signal"

    def calls(self) -> Sequence[Step]:
        return [native.prctl.step(Prctl.SET_PDEATHSIG, self.signal)]


class Umask(Op):
    """Set which permissions new files lack: umask(2)."""

    mask: int
    name: ClassVar[str] = "umask"

    @cached_property
    def detail(self) -> str:
        return f"{self.mask:03o}"

    def calls(self) -> Sequence[Step]:
        return [native.umask.step(self.mask)]


class Become(Op):
    """Become another user, with no other groups: setgroups(2), setresgid(2), setresuid(2)."""

    user: int
    group: int
    name: ClassVar[str] = "become"

    @cached_property
    def detail(self) -> str:
        return f"user {self.user} group {self.group}"

    def calls(self) -> Sequence[Step]:
        return [
            native.setgroups.step(()),
            native.setresgid.step(self.group),
            native.setresuid.step(self.user),
        ]


class KeepCapabilities(Op):
    """Keep these parts of root's power and give up the others for good: capabilities(7).

    The bounding set loses the others first (that takes CAP_SETPCAP, which may be among them), then the thread's own sets.
    """

    keep: tuple[Capability, ...]
    name: ClassVar[str] = "capabilities"

    @cached_property
    def detail(self) -> str:
        return "keep " + (" ".join(c.name.lower() for c in self.keep) or "none")

    def calls(self) -> Sequence[Step]:
        drops = [
            native.prctl.step(Prctl.CAPBSET_DROP, capability).replace(tolerate=UNKNOWN_HERE)
            for capability in range(HIGHEST_CAPABILITY + 1)
            if capability not in self.keep
        ]
        return [*drops, native.capset.step(effective=self.keep, permitted=self.keep, inheritable=())]


class NoNewPrivileges(Op):
    """Make setuid programs and file capabilities harmless from here on: prctl(2), PR_SET_NO_NEW_PRIVS."""

    name: ClassVar[str] = "no new privileges"

    def calls(self) -> Sequence[Step]:
        return [native.prctl.step(Prctl.SET_NO_NEW_PRIVS, 1)]


class CloseDescriptors(Op):
    """Close every descriptor above 3, the carrier's own: close_range(2).

    What the starter has open must be out of reach before a path is followed that somebody else has named: `/proc/self/fd/7` as
    a working directory would lead out of the container.
    """

    first: int = 4
    name: ClassVar[str] = "close_range"

    @cached_property
    def detail(self) -> str:
        return f"{self.first}…"

    def calls(self) -> Sequence[Step]:
        return [native.close_range.step(self.first)]


class Sync(Op):
    """Wait here while the starter does something to this process from outside: `action(process)` runs over there."""

    what: str
    action: Callable[[Process], None]
    name: ClassVar[str] = "sync"

    @cached_property
    def detail(self) -> str:
        return f"waits   │ parent: {self.what}"

    def calls(self) -> Sequence[Step]:
        return [
            native.write.step(SYNC_DESCRIPTOR, b"?"),
            native.read.step(SYNC_DESCRIPTOR, bytearray(1)).replace(zero_fails=True),
        ]


class Call(Op):
    """Any system call: `Call(native.unshare.step(CloneFlag.NEWUTS))`."""

    step: Step
    name: ClassVar[str] = "call"

    @cached_property
    def detail(self) -> str:
        return f"{self.step.call}({self.step.arguments})"

    def calls(self) -> Sequence[Step]:
        return [self.step]


class Execve(Op):
    """Become the program: execve(2). `candidates` are tried in order, as a shell tries the directories of PATH."""

    argv: tuple[str, ...]
    environment: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    name: ClassVar[str] = "execve"

    @cached_property
    def detail(self) -> str:
        shown = " ".join(self.argv)
        tried = self.candidates
        if not tried or tried == (self.argv[0],):
            return shown
        return f"{shown}, tried as {', '.join(tried if len(tried) < 4 else (tried[0], '…', tried[-1]))}"

    def calls(self) -> Sequence[Step]:
        *others, last = self.candidates or (self.argv[0],)
        attempts = [native.execve.step(path, self.argv, self.environment) for path in others]
        final = native.execve.step(last, self.argv, self.environment)
        return [*(attempt.replace(tolerate=NOT_THIS_ONE) for attempt in attempts), final]


def search_path(command: str, environment: Sequence[str], default: str) -> tuple[str, ...]:
    """Return the paths that a command may mean, in PATH's order; one with a slash means itself: environ(7)."""
    if "/" in command:
        return (command,)
    path = next((v.removeprefix("PATH=") for v in environment if v.startswith("PATH=")), default)
    return tuple(f"{directory or '.'}/{command}" for directory in path.split(":"))
