"""Container specification: the values that a plan is compiled from."""

from __future__ import annotations

from labcore.errors import InvalidInput
from labcore.record import Record
from labcore.spec.isolation import (
    DEFAULT_CAPABILITIES,
    DEFAULT_DEVICES,
    DEFAULT_MOUNTS,
    MASKED_PATHS,
    READONLY_PATHS,
    User,
    root_with,
)
from labcore.spec.resources import Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.spec.isolation import (
        CapabilitySets,
        Device,
        IdRange,
        MountPoint,
        Rlimit,
    )
    from labcore.spec.scheduling import IoPriority, MemoryPolicy, Scheduler, TimeOffset
    from labcore.spec.seccomp import SeccompFilter, SeccompProfile

NAMESPACES: Final = ("mount", "pid", "uts", "ipc", "network", "cgroup")
DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

HOSTNAME_MAX: Final = 64  # __NEW_UTS_LEN in the kernel


class TopDirectory(Record):
    """The root directory's own metadata: permissions, owner, group, and modification time (ns)."""

    mode: int
    uid: int
    gid: int
    time: int


class OverlayRoot(Record):
    """A root file system stacked from read-only layers, with a writable one on top.

    `layers` are directory names inside `directory`, the topmost first. `scratch` is an empty directory inside it; the
    container mounts a tmpfs there that nobody else sees and that is gone when its last process is: the writable layer lies in
    it. Or in `writable`, a directory inside `directory` that holds `upper` and `work`, and stays: then no other container may
    use that meanwhile. With `user_attributes` what overlayfs notes there is readable in user namespaces too (`userxattr`).
    `top` is what the writable layer's own directory is made to be, where that lies on the tmpfs; None: root's, 0755. With
    `read_only` nothing is written to it once the program runs. A `volatile` one is not synced to the disk: whoever wants to
    keep it does that (filesystems/overlayfs.rst; Linux 5.10). `devices`: may device nodes in it be used?
    """

    directory: str
    layers: tuple[str, ...]
    scratch: str
    writable: str = ""
    user_attributes: bool = False
    top: TopDirectory | None = None
    read_only: bool = False
    volatile: bool = False
    devices: bool = False

    def stack(self) -> tuple[str, ...]:
        """Return the directories inside `directory` that the root is stacked from, the topmost first."""
        return (*([f"{self.writable}/upper"] if self.writable else []), *self.layers)

    def options(self, writable: str, *, user_attributes: bool) -> tuple[str, ...]:
        """Return overlayfs's options, all but its layers; `writable` is the writable one's directory where it is mounted.

        What is kept is kept in a form that needs no other layer to be understood: no `redirect_dir`, no `metacopy`, no `index`.
        """
        kept = ("index=off", "metacopy=off", "redirect_dir=nofollow") if self.writable else ()
        attributes = ("userxattr",) if user_attributes else ()
        volatile = ("volatile",) if self.volatile else ()
        return (f"upperdir={writable}/upper", f"workdir={writable}/work", *kept, *attributes, *volatile)


class BindRoot(Record):
    """A directory of the host as root file system, used as it is; `devices`: may device nodes in it be used?"""

    directory: str
    read_only: bool = False
    devices: bool = False

    def stack(self) -> tuple[str, ...]:
        """Return the directories inside `directory` that the root is stacked from: itself."""
        return (".",)


Root = OverlayRoot | BindRoot


class ContainerSpec(Record):
    """All that a plan is compiled from.

    `environment` holds `NAME=value` strings; `argv[0]` without a slash is looked up in the PATH found there. `namespaces` are
    the kinds that are new, `joins` the kinds that are somebody else's, each with its file. `hostname` None leaves the host's.
    `apparmor` names a profile that is loaded. `propagation` is that of the root mount, in mount(8)'s words. `resources` are for
    whoever makes the container's cgroups, and `cgroups` those that it is born in, by their directories. `console_size` are the
    rows and columns of its `terminal`.
    Raises InvalidInput for what cannot be.
    """

    root: Root
    argv: tuple[str, ...]
    environment: tuple[str, ...] = ("PATH=" + DEFAULT_PATH,)
    workdir: str = "/"
    hostname: str | None = "labcore"
    namespaces: tuple[str, ...] = NAMESPACES
    domainname: str = ""
    joins: tuple[tuple[str, str], ...] = ()
    uid_map: tuple[IdRange, ...] = ()
    gid_map: tuple[IdRange, ...] = ()
    propagation: str = "rprivate"
    mounts: tuple[MountPoint, ...] = DEFAULT_MOUNTS
    devices: tuple[Device, ...] = DEFAULT_DEVICES
    masked_paths: tuple[str, ...] = MASKED_PATHS
    readonly_paths: tuple[str, ...] = READONLY_PATHS
    sysctls: tuple[tuple[str, str], ...] = ()
    rlimits: tuple[Rlimit, ...] = ()
    resources: Resources = Resources()
    cgroups: tuple[str, ...] = ()
    oom_score_adj: int | None = None
    scheduler: Scheduler | None = None
    io_priority: IoPriority | None = None
    memory_policy: MemoryPolicy | None = None
    time_offsets: tuple[TimeOffset, ...] = ()
    user: User = User()
    capabilities: CapabilitySets = root_with(DEFAULT_CAPABILITIES)
    no_new_privileges: bool = False
    apparmor: str = ""
    seccomp: SeccompProfile | SeccompFilter | None = None
    session_keyring: bool = False
    personality: int | None = None
    terminal: bool = False
    console_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not self.argv or not self.argv[0]:
            said = 'exec: "": executable file not found in $PATH' if self.argv else "no command specified"  # docker's words
            raise InvalidInput(f"{said}: argv is empty: name a command, or use an image that has one")
        for what, texts in (
            ("argv", self.argv),
            ("environment", self.environment),
            ("workdir", (self.workdir,)),
            ("hostname", (self.hostname or "",)),
        ):
            self._check_texts(what, texts)
        for variable in self.environment:
            if not variable.partition("=")[0] or "=" not in variable:
                raise InvalidInput(f"environment: {variable!r} is not NAME=value: write NAME= for an empty value")
        if not self.workdir.startswith("/"):
            raise InvalidInput(
                f"the working directory {self.workdir!r} is invalid, it needs to be an absolute path: begin it with /"
            )
        if self.hostname is not None:
            self._check_hostname(self.hostname)
        if len(self.domainname.encode()) > HOSTNAME_MAX:
            raise InvalidInput(f"domainname: {self.domainname[:99]!r} has more than {HOSTNAME_MAX} bytes")
        kinds = {*self.namespaces, *(kind for kind, _ in self.joins)}
        if "mount" not in kinds and "user" in kinds:
            raise InvalidInput("namespaces: with `user` there must be `mount`: there is no way back to the starter's mounts")
        if unknown := kinds - {*NAMESPACES, "user", "time"}:
            raise InvalidInput(f"namespaces: no such kind: {', '.join(sorted(unknown))}")

    @staticmethod
    def _check_texts(what: str, texts: tuple[str, ...]) -> None:
        for text in texts:
            if not isinstance(text, str):
                raise InvalidInput(f"{what}: {text!r} is no string")
            if "\0" in text:
                raise InvalidInput(f"{what}: {text!r} contains a NUL byte: no argument, variable or path can")

    @staticmethod
    def _check_hostname(name: str) -> None:
        if not name or not name.isprintable() or len(name.encode()) > HOSTNAME_MAX:  # sethostname(2) takes all the rest
            raise InvalidInput(f"hostname: {name[:99]!r} is no host name: use 1 to {HOSTNAME_MAX} bytes that can be printed")
