"""Standard streams belong to the process's user, who could not open /dev/stdout again else: an engine's pipes are root's."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from labcore.spec import IdRange


def give_streams(pid: int, user: int) -> None:
    """Give this process's 0, 1 and 2 to a user of process `pid`'s user namespace, where they are pipes or terminals.

    What may not be given (by root of a user namespace, on a read-only file system) stays whose it is.
    """
    owner = outside(user, read_id_map(Path(f"/proc/{pid}/uid_map")))
    for fd in range(3):
        status = os.fstat(fd)
        if owner not in (None, status.st_uid) and (stat.S_ISFIFO(status.st_mode) or os.isatty(fd)):
            with suppress(OSError):
                os.fchown(fd, owner, -1)


def read_id_map(file: Path) -> list[IdRange]:
    """Read a map of numbers as this process sees it: user_namespaces(7)."""
    rows = (tuple(map(int, line.split())) for line in file.read_text().splitlines())
    return [IdRange(inside, out, size) for inside, out, size in rows]


def outside(number: int, ranges: list[IdRange]) -> int | None:
    """Return the number out here of one inside; None if it is not mapped."""
    for each in ranges:
        if each.inside <= number < each.inside + each.size:
            return number - each.inside + each.outside
    return None
