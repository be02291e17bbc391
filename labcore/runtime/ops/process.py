"""Ops on the process itself: its names, its rights, its program."""

from __future__ import annotations

import errno
import struct
from functools import cache, cached_property

from labcore import native
from labcore.native import Capability, CloneFlag, Prctl, SeccompMode
from labcore.native.step import errors
from labcore.runtime.ops.base import SCRATCH, Op
from labcore.runtime.probe import read_setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from labcore.native import Step

NOT_THIS_ONE = errors(errno.ENOENT, errno.ENOTDIR, errno.EACCES)
UNKNOWN_HERE = errors(errno.EINVAL)
HIGHEST_CAPABILITY = 63  # that the kernel's sets have room for
KEYCTL_JOIN_SESSION_KEYRING = 1
PR_CAP_AMBIENT_RAISE = 2
NEW_LISTENER = 8  # linux/seccomp.h, SECCOMP_FILTER_FLAG_NEW_LISTENER
LISTENER = 61  # a register that holds nothing by then


class SetHostname(Op):
    """Name the host: sethostname(2)."""

    hostname: str
    name: ClassVar[str] = "sethostname"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWUTS

    def calls(self) -> Sequence[Step]:
        return [native.sethostname.step(self.hostname)]


class LinkUp(Op):
    """Switch a network interface on: netdevice(7)."""

    interface: str = "lo"
    name: ClassVar[str] = "link up"

    def calls(self) -> Sequence[Step]:
        request = bytearray(struct.pack("=16sH22x", self.interface.encode(), native.IFF_UP))  # struct ifreq
        return [
            native.socket.step(native.AF_INET, native.SOCK_DGRAM).replace(result=SCRATCH.number),
            native.ioctl.step(SCRATCH, native.SIOCSIFFLAGS, request),
            native.close.step(SCRATCH),
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


class SetUser(Op):
    """Become another user, with these other groups: setgroups(2), setresgid(2), setresuid(2).

    `groups` None leaves them: where only one's own group is mapped they cannot be changed, user_namespaces(7).
    """

    user: int
    group: int
    groups: tuple[int, ...] | None = ()
    name: ClassVar[str] = "setresuid"

    @cached_property
    def detail(self) -> str:
        return f"user {self.user} group {self.group}"

    def calls(self) -> Sequence[Step]:
        return [
            *([] if self.groups is None else [native.setgroups.step(self.groups)]),
            native.setresgid.step(self.group),
            native.setresuid.step(self.user),
        ]


class NoNewPrivileges(Op):
    """Make setuid programs and file capabilities harmless from here on: prctl(2), PR_SET_NO_NEW_PRIVS."""

    name: ClassVar[str] = "no new privileges"

    def calls(self) -> Sequence[Step]:
        return [native.prctl.step(Prctl.SET_NO_NEW_PRIVS, 1)]


class Execve(Op):
    """Become the program: execve(2). `candidates` are tried in order, as a shell tries the directories of PATH.

    With `aloud` a failure is said on standard error, for by then nobody waits to hear of it.
    """

    argv: tuple[str, ...]
    environment: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    aloud: bool = False
    name: ClassVar[str] = "execve"

    @cached_property
    def detail(self) -> str:
        shown = " ".join(self.argv)
        tried = self.candidates
        if not tried or tried == (self.argv[0],):
            return shown
        return f"{shown}, tried as {', '.join(tried if len(tried) < 4 else (tried[0], '…', tried[-1]))}"

    def calls(self) -> Sequence[Step]:
        said = f"exec {self.argv[0]}" if self.aloud else ""
        paths = self.candidates or (self.argv[0],)
        *others, last = (native.execve.step(path, self.argv, self.environment).replace(said=said) for path in paths)
        return [*(attempt.replace(tolerate=NOT_THIS_ONE) for attempt in others), last]


def last_of_each(environment: Sequence[str]) -> tuple[str, ...]:
    """Return the variables without those that a later one of their name replaces: getenv(3) would find the first."""
    last: dict[str, str] = {}
    for variable in environment:
        name = variable.partition("=")[0]
        last.pop(name, None)
        last[name] = variable
    return tuple(last.values())


def search_path(command: str, environment: Sequence[str], default: str) -> tuple[str, ...]:
    """Return the paths that a command may mean, in PATH's order; one with a slash means itself: environ(7)."""
    if "/" in command:
        return (command,)
    path = next((v.removeprefix("PATH=") for v in reversed(environment) if v.startswith("PATH=")), default)
    return tuple(f"{directory or '.'}/{command}" for directory in path.split(":"))


class SetDomainname(Op):
    """Set the NIS domain name: setdomainname(2)."""

    domain: str
    name: ClassVar[str] = "domainname"
    needs: ClassVar[CloneFlag] = CloneFlag.NEWUTS

    def calls(self) -> Sequence[Step]:
        return [native.setdomainname.step(self.domain)]


class SetRlimits(Op):
    """Set resource limits, each a name, its number, and the soft and the hard limit: prlimit(2)."""

    limits: tuple[tuple[str, int, int, int], ...]
    name: ClassVar[str] = "rlimits"

    @cached_property
    def detail(self) -> str:
        return " ".join(f"{name.lower()}={soft}:{hard}" for name, _, soft, hard in self.limits)

    def calls(self) -> Sequence[Step]:
        return [native.prlimit.step(0, number, soft, hard) for _, number, soft, hard in self.limits]


class BoundCapabilities(Op):
    """Take out of the bounding set what nobody in the container may ever gain: prctl(2), PR_CAPBSET_DROP.

    While still root, for it takes CAP_SETPCAP; what the thread itself may do is not changed by it.
    """

    keep: tuple[Capability, ...]
    name: ClassVar[str] = "bounding set"

    @cached_property
    def detail(self) -> str:
        return f"keep {_names(self.keep)}"

    def calls(self) -> Sequence[Step]:
        return [
            native.prctl.step(Prctl.CAPBSET_DROP, capability).replace(tolerate=UNKNOWN_HERE)
            for capability in range(_last_capability() + 1)  # also one that is too new to have a name here
            if capability not in self.keep
        ]


@cache
def _last_capability() -> int:
    last = read_setting("kernel/cap_last_cap") or ""
    return max(int(last), *Capability) if last.isdigit() else HIGHEST_CAPABILITY


def _names(capabilities: Sequence[Capability]) -> str:
    return " ".join(capability.name.lower() for capability in capabilities) or "none"


class SetCapabilities(Op):
    """Set this thread's other four sets: capset(2), and prctl(2), PR_CAP_AMBIENT."""

    effective: tuple[Capability, ...]
    permitted: tuple[Capability, ...]
    inheritable: tuple[Capability, ...] = ()
    ambient: tuple[Capability, ...] = ()
    name: ClassVar[str] = "capabilities"

    @cached_property
    def detail(self) -> str:
        sets = [name for name in ("effective", "permitted", "inheritable", "ambient") if getattr(self, name)]
        return "keep " + ("; ".join(f"{name}: {_names(getattr(self, name))}" for name in sets) or "none")

    def calls(self) -> Sequence[Step]:
        raised = [native.prctl.step(Prctl.CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability) for capability in self.ambient]
        sets = native.capset.step(effective=self.effective, permitted=self.permitted, inheritable=self.inheritable)
        return [sets, *raised]


class KeepCapabilities(Op):
    """Let capabilities survive the change to another user: prctl(2), PR_SET_KEEPCAPS. execve takes it back."""

    name: ClassVar[str] = "keep capabilities"

    def calls(self) -> Sequence[Step]:
        return [native.prctl.step(Prctl.SET_KEEPCAPS, 1)]


class LoadFilter(Op):
    """Filter system calls from here on: seccomp(2). `program` is classic BPF, `flags` those of SECCOMP_SET_MODE_FILTER."""

    program: bytes
    flags: int = 0
    name: ClassVar[str] = "seccomp"

    @property
    def has_listener(self) -> bool:
        """Whether there is a descriptor behind it, in the register LISTENER, that tells of calls: seccomp_unotify(2)."""
        return bool(self.flags & NEW_LISTENER)

    @cached_property
    def detail(self) -> str:
        return f"a filter of {len(self.program) // 8} instructions"

    def calls(self) -> Sequence[Step]:
        return [native.seccomp.step(SeccompMode.FILTER, self.flags, self.program).replace(result=LISTENER)]


class JoinSessionKeyring(Op):
    """Have a session keyring of one's own, empty: keyctl(2). The starter's keys are out of reach."""

    name: ClassVar[str] = "keyring"

    def calls(self) -> Sequence[Step]:
        return [native.keyctl.step(KEYCTL_JOIN_SESSION_KEYRING).replace(tolerate=errors(errno.ENOSYS))]


class Personality(Op):
    """Choose which system this process is shown: personality(2)."""

    persona: int
    name: ClassVar[str] = "personality"

    def calls(self) -> Sequence[Step]:
        return [native.personality.step(self.persona)]
