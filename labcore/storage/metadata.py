"""File metadata in untrusted directories: owner, mode, times and xattrs are set through descriptors."""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SPECIAL: Final = {stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Metadata(NamedTuple):
    """A file's metadata: type and permissions, owner, times, extended attributes."""

    mode: int
    owner: tuple[int, int]
    atime_ns: int
    mtime_ns: int
    xattrs: dict[str, bytes]


def make_directory(parent: int, name: str, path: str) -> None:
    """Make a directory, unless there is one. Raises InvalidInput if something else is there; `path` names it."""
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise InvalidInput(f"/{path.lstrip('/')}: a directory cannot take the place of what is none") from None


def clear(parent: int, name: str, path: str) -> None:
    """Remove the file that a new one replaces. Raises InvalidInput if it is a directory, device, FIFO or socket."""
    try:
        kind = stat.S_IFMT(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
        if kind in SPECIAL:
            raise InvalidInput(f"/{path.lstrip('/')} is {SPECIAL[kind]}, and no copy takes its place: remove it first")
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        raise InvalidInput(f"/{path.lstrip('/')}: what is no directory cannot take the place of one") from None


def set_metadata(parent: int, name: str, metadata: Metadata) -> None:
    """Set the metadata of a new file. It is opened first (O_PATH), for its name may be another file's by now."""
    if stat.S_ISLNK(metadata.mode):
        os.chown(name, *metadata.owner, dir_fd=parent, follow_symlinks=False)
        os.utime(name, ns=(metadata.atime_ns, metadata.mtime_ns), dir_fd=parent, follow_symlinks=False)
        return
    fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        if stat.S_IFMT(os.fstat(fd).st_mode) != stat.S_IFMT(metadata.mode):
            return  # somebody has put something else there
        set_metadata_of(f"/proc/self/fd/{fd}", metadata)
    finally:
        os.close(fd)


def set_metadata_of(file: str | int, metadata: Metadata) -> None:
    """Set the metadata of an open file, given by its descriptor or by that one's path in /proc."""
    os.chown(file, *metadata.owner)
    os.chmod(file, stat.S_IMODE(metadata.mode))  # noqa: PTH101 - after chown, which takes setuid away
    for name, value in metadata.xattrs.items():
        _set_xattr(file, name, value)
    os.utime(file, ns=(metadata.atime_ns, metadata.mtime_ns))


def _set_xattr(file: str | int, name: str, value: bytes) -> None:
    try:
        os.setxattr(file, name, value)
    except OSError as error:
        users = error.errno == errno.EPERM and name.startswith("user.")  # which only files and directories can have
        if error.errno != errno.EOPNOTSUPP and not users:  # this disk keeps none of that kind
            raise
