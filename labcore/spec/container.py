"""All that a container's plan is compiled from."""

import re
from typing import Final

from labcore.errors import InvalidInput
from labcore.record import Record

NAMESPACES: Final = ("mount", "pid", "uts", "ipc", "network", "cgroup")
DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# What root in a container may still do. Docker leaves it these and MKNOD, behind a list of allowed devices; while there is
# no such list here, a device node made inside would open the host's disk.
DEFAULT_CAPABILITIES: Final = (
    "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
    "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
)  # fmt: skip

HOSTNAME_MAX: Final = 64  # __NEW_UTS_LEN in the kernel


class OverlayRoot(Record):
    """A root file system stacked from read-only layers, with a throw-away layer in memory on top.

    `layers` are directory names inside `directory`, the topmost first. `scratch` is an empty directory inside it; the
    container mounts a tmpfs there that nobody else sees and that is gone when its last process is.
    """

    directory: str
    layers: tuple[str, ...]
    scratch: str


class BindRoot(Record):
    """A directory of the host as root file system, used as it is."""

    directory: str
    read_only: bool = False


Root = OverlayRoot | BindRoot


class ContainerSpec(Record):
    """All that a plan is compiled from.

    `environment` holds `NAME=value` strings; `argv[0]` without a slash is looked up in the PATH found there.
    `capabilities` are names without `CAP_`. Raises InvalidInput for what cannot be.
    """

    root: Root
    argv: tuple[str, ...]
    environment: tuple[str, ...] = ("PATH=" + DEFAULT_PATH,)
    workdir: str = "/"
    hostname: str = "labcore"
    namespaces: tuple[str, ...] = NAMESPACES
    capabilities: tuple[str, ...] = DEFAULT_CAPABILITIES
    dies_with_parent: bool = False

    def __post_init__(self) -> None:
        if not self.argv or not self.argv[0]:
            raise InvalidInput("argv is empty: name a command, or use an image that has one")
        for text in (*self.argv, *self.environment, self.workdir):
            if "\0" in text:
                raise InvalidInput(f"{text!r} contains a NUL byte: no argument, variable or path can")
        for variable in self.environment:
            if not variable.partition("=")[0] or "=" not in variable:
                raise InvalidInput(f"environment: {variable!r} is not NAME=value: write NAME= for an empty value")
        if not self.workdir.startswith("/"):
            raise InvalidInput(f"workdir: {self.workdir!r} is not absolute: begin it with /")
        if not 0 < len(self.hostname.encode()) <= HOSTNAME_MAX or not re.fullmatch(r"[\w.-]+", self.hostname):
            raise InvalidInput(
                f"hostname: {self.hostname!r} is no host name: use 1 to {HOSTNAME_MAX} letters, digits, dots and dashes"
            )
        if "mount" not in self.namespaces:
            raise InvalidInput("namespaces: without `mount` the container's root would become the host's")
        if unknown := set(self.namespaces) - {*NAMESPACES, "user"}:
            raise InvalidInput(f"namespaces: no such kind: {', '.join(sorted(unknown))}")
