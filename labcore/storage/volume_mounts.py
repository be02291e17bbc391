"""File systems mounted as volumes: each on its volume's directory, on the host, as long as a container has it.

That is how docker does it, and the one mount of labcore's on the host. A tmpfs is shared by all containers that have the
volume, and something has to hold it from one start to the next. A detached mount (fsmount(2)) can be copied since Linux 6.15
only, and whoever held it would have to outlive the daemon; what a running container has mounted (/proc/PID/root) may be a part
of the volume (a subpath), have its owners mapped, or be covered. A mount on the host needs no holder, is found by whoever
comes next, and is where `volume inspect` says.

No state is kept beside the kernel's: a volume is mounted or it is not. What a killed daemon leaves mounted is unmounted by the
next one, or with the volume, or when the last container that has it is found to have ended; a reboot leaves nothing.
"""

from __future__ import annotations

import errno
import os

from labcore.errors import SystemCallError
from labcore.files import read_text
from labcore.native import MountFlag, UnmountFlag, mount, umount2
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Final

READ_ONLY_BIND: Final = MountFlag.BIND | MountFlag.RDONLY
DIRECTORY: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FileSystem(Record):
    """What is mounted: the arguments of mount(2), and how mounts on it propagate after that."""

    device: str
    kind: str
    flags: MountFlag = MountFlag(0)
    propagation: tuple[MountFlag, ...] = ()
    data: str = ""


def mount_on(directory: Path, wanted: FileSystem) -> None:
    """Mount a file system on a directory, unless one is mounted there. Raises SystemCallError; nothing is mounted then."""
    if is_mounted(directory):
        return
    place = str(directory)
    mount(wanted.device, place, wanted.kind or None, wanted.flags, wanted.data or None)
    try:
        for each in wanted.propagation:
            mount("none", place, flags=each)
        if wanted.flags & READ_ONLY_BIND == READ_ONLY_BIND:  # a bind is read-only by a second call alone: mount(2)
            mount("none", place, flags=wanted.flags | MountFlag.REMOUNT)
    except SystemCallError:
        unmount_from(directory)
        raise


def unmount_from(directory: Path) -> None:
    """Unmount what is mounted on a directory, also where its server does not answer. Raises SystemCallError."""
    while is_mounted(directory):
        try:
            umount2(str(directory), UnmountFlag.DETACH | UnmountFlag.NOFOLLOW)
        except SystemCallError as error:
            if error.errno != errno.EINVAL:  # somebody else was faster
                raise


def is_mounted(directory: Path) -> bool:
    """Return whether a directory is a mount point; the file system there is not asked. Raises FileNotFoundError."""
    return _mount_id(directory) != _mount_id(directory.parent)


def _mount_id(directory: Path) -> str:
    """Return the number of the mount that a directory is on: proc_pid_fdinfo(5)."""
    fd = os.open(directory, DIRECTORY)
    try:
        return next(line for line in read_text(f"/proc/self/fdinfo/{fd}").splitlines() if line.startswith("mnt_id:"))
    finally:
        os.close(fd)
