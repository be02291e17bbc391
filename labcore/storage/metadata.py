"""Names in an open directory that belongs to a stranger: made, cleared, and given owners, permissions, attributes and times."""

import errno
import os
import stat
from typing import Final, NamedTuple

from labcore.errors import InvalidInput

SPECIAL: Final = {stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Description(NamedTuple):
    """What a file is beside its content: its kind and permissions, owner, times (ns), extended attributes."""

    mode: int
    owner: tuple[int, int]
    accessed: int
    time: int
    attributes: dict[str, bytes]


def make_directory(parent: int, name: str, path: str) -> None:
    """Make a directory, unless there is one. Raises InvalidInput if something else is there; `path` names it."""
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise InvalidInput(f"/{path.lstrip('/')}: a directory cannot take the place of what is none") from None


def clear(parent: int, name: str, path: str) -> None:
    """Remove what has the name of a file that is to come. Raises InvalidInput if that is a directory.

    Also if it is a device, a FIFO, a socket, which somebody has opened or will.
    """
    try:
        kind = stat.S_IFMT(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
        if kind in SPECIAL:
            raise InvalidInput(f"/{path.lstrip('/')} is {SPECIAL[kind]}, and no copy takes its place: remove it first")
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        raise InvalidInput(f"/{path.lstrip('/')}: what is no directory cannot take the place of one") from None


def describe(parent: int, name: str, what: Description) -> None:
    """Give a new file what belongs to it. It is taken in hand first: its name may be another's by now."""
    if stat.S_ISLNK(what.mode):
        os.chown(name, *what.owner, dir_fd=parent, follow_symlinks=False)
        os.utime(name, ns=(what.accessed, what.time), dir_fd=parent, follow_symlinks=False)
        return
    fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        if stat.S_IFMT(os.fstat(fd).st_mode) != stat.S_IFMT(what.mode):
            return  # somebody has put something else there
        give(f"/proc/self/fd/{fd}", what)
    finally:
        os.close(fd)


def give(file: str | int, what: Description) -> None:
    """Give a file, open or by a path that leads to what is open, what belongs to it."""
    os.chown(file, *what.owner)
    os.chmod(file, stat.S_IMODE(what.mode))  # noqa: PTH101 - after chown, which takes setuid away
    for attribute, value in what.attributes.items():
        _set_attribute(file, attribute, value)
    os.utime(file, ns=(what.accessed, what.time))


def _set_attribute(file: str | int, name: str, value: bytes) -> None:
    try:
        os.setxattr(file, name, value)
    except OSError as error:
        users = error.errno == errno.EPERM and name.startswith("user.")  # which only files and directories can have
        if error.errno != errno.EOPNOTSUPP and not users:  # this disk keeps none of that kind
            raise
