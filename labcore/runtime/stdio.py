"""Ownership of stdio: pipes are given to the process's user, who could not open /dev/stdout again else."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from labcore.files import read_text
from labcore.spec import IdRange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

TERMINALS = range(136, 144)  # major numbers of /dev/pts/N: devices.txt of the kernel


def give_streams(pid: int, user: int, *, terminals: bool = False) -> None:
    """Give 0, 1 and 2 of process `pid` to a user of its user namespace, where they are pipes, or `terminals` of the starter.

    What may not be given (by root of a user namespace, on a read-only file system) stays whose it is.
    """
    owner = outside(user, read_id_map(f"/proc/{pid}/uid_map"))
    for stream in (f"/proc/{pid}/fd/{fd}" for fd in range(3)):
        with suppress(OSError):
            status = os.stat(stream)
            terminal = stat.S_ISCHR(status.st_mode) and os.major(status.st_rdev) in TERMINALS
            if owner not in (None, status.st_uid) and (stat.S_ISFIFO(status.st_mode) or (terminals and terminal)):
                os.chown(stream, owner, -1)


def read_id_map(path: str) -> list[IdRange]:
    """Read a map of numbers as this process sees it: user_namespaces(7)."""
    rows = (tuple(map(int, line.split())) for line in read_text(path).splitlines())
    return [IdRange(inside, out, size) for inside, out, size in rows]


def outside(number: int, ranges: Sequence[IdRange]) -> int | None:
    """Return the number out here of one inside; None if it is not mapped."""
    for each in ranges:
        if each.inside <= number < each.inside + each.size:
            return number - each.inside + each.outside
    return None
