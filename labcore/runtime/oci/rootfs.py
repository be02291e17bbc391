"""The bundle's root file system: modes of tmpfs, HOME, and whether the program is there."""

from __future__ import annotations

import errno
import os
import stat

from labcore import native
from labcore.errors import InvalidInput
from labcore.native import Resolve
from labcore.runtime import ops
from labcore.spec import DEFAULT_PATH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.spec import ContainerSpec, MountPoint

MOST_PASSWD: Final = 1 << 20


def with_directory_modes(spec: ContainerSpec) -> ContainerSpec:
    """Return the spec with each tmpfs as open as the directory that it covers, unless it says how open it is to be."""
    if not any(_covers(mount) for mount in spec.mounts):
        return spec
    from labcore.runtime.copy_up import mode_of

    def opened(mount: MountPoint) -> MountPoint:
        mode = mode_of(spec.root.directory, mount.target) if _covers(mount) else None
        return mount if mode is None else mount.replace(options=(*mount.options, f"mode={mode:o}"))

    return spec.replace(mounts=tuple(map(opened, spec.mounts)))


def _covers(mount: MountPoint) -> bool:
    if mount.kind != "tmpfs" or mount.target == "/dev" or mount.target.startswith(("/dev/", "/sys/", "/proc/")):
        return False
    return not any(word.startswith("mode=") for word in mount.options)


def with_home(spec: ContainerSpec, root_directory: str) -> ContainerSpec:
    """Return the spec with HOME in its environment, as the root's own passwd(5) says for the user; else `/`.

    An empty one counts as none, as with runc.
    """
    if any(variable.startswith("HOME=") for variable in ops.last_of_each(spec.environment) if variable != "HOME="):
        return spec
    home = _home_of(spec.user.uid, root_directory) or "/"
    return spec.replace(environment=(*spec.environment, f"HOME={home}"))


def _home_of(uid: int, root_directory: str) -> str | None:
    """Look a user's home up; nothing outside of the root is followed or read, and no more than MOST_PASSWD bytes."""
    root = os.open(root_directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(native.openat2(root, "etc/passwd", flags, resolve=Resolve.IN_ROOT), "rb") as file:
            lines = file.read(MOST_PASSWD).decode(errors="replace").splitlines()
    except OSError:
        return None
    finally:
        os.close(root)
    fields = (line.split(":") for line in lines)
    return next((entry[5] for entry in fields if len(entry) > 5 and entry[2] == str(uid)), None)


def check_program(spec: ContainerSpec, pid: int) -> None:
    """Look for the program in the container's root before it is started. Raises InvalidInput if it cannot be executed."""
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    seen: set[int] = set()
    try:
        for candidate in ops.search_path(spec.argv[0], spec.environment, DEFAULT_PATH):
            path = candidate if candidate.startswith("/") else f"{spec.workdir}/{candidate}"
            seen.add(_try(root, path))
            if 0 in seen:
                return
    finally:
        os.close(root)
    if errno.EACCES in seen:
        raise InvalidInput(f"process.args[0]: {spec.argv[0]}: permission denied: it is not executable")
    where = "" if "/" in spec.argv[0] else " in $PATH"
    raise InvalidInput(f"process.args[0]: exec: {spec.argv[0]!r}: executable file not found{where}: no such file or directory")


def _try(root: int, path: str) -> int:
    """Return 0 if there is an executable file, or the errno that stands against it."""
    try:
        fd = native.openat2(root, path, os.O_PATH | os.O_CLOEXEC, resolve=Resolve.IN_ROOT)
    except OSError as error:
        return error.errno or errno.ENOENT
    try:
        mode = os.fstat(fd).st_mode
    finally:
        os.close(fd)
    return 0 if mode & 0o111 and not stat.S_ISDIR(mode) else errno.EACCES
