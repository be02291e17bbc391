"""Advisory locks on files and directories, flock(2): shared or exclusive, tried or waited for. An error names the holder.

The kernel releases a lock when its holder dies, of whatever. Light, as procfs.py is.
"""

from __future__ import annotations

import fcntl
import os
import time

from labcore import procfs
from labcore.errors import InUse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from _typeshed import FileDescriptorLike, StrPath

POLL_SECONDS = 0.02


def flock(file: FileDescriptorLike, *, shared: bool = False, wait: bool = True) -> bool:
    """Lock an open file or directory until it is closed; return False if another has it and that is not to be waited for."""
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def is_at(file: FileDescriptorLike, path: StrPath) -> bool:
    """Return whether an open file still has that name: who has waited for a lock may hold that of a removed file."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(_number(file)))
    except FileNotFoundError:
        return False


def _number(file: FileDescriptorLike) -> int:
    return file if isinstance(file, int) else file.fileno()


def holders(file: FileDescriptorLike) -> list[int]:
    """Return the processes that hold locks on an open file: proc_locks(5).

    Not those in other PID namespaces; and none where inodes have other device numbers than stat(2) says (btrfs).
    """
    status = os.fstat(_number(file))
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    try:
        with open("/proc/locks", encoding="utf-8") as listed:
            lines = [line.split() for line in listed]
    except OSError:
        return []
    held = (fields for fields in lines if fields[1] == "FLOCK" and fields[5] == place)  # those who wait have `->` there
    return sorted({int(fields[4]) for fields in held if int(fields[4]) > 0})


def held_by(pids: list[int]) -> str:
    """Return the end of a sentence that says who has something: ` by process 12 (sleep)`; nothing if nobody is known."""
    if not pids:
        return ""
    named = [f"{pid} ({name})" if (name := procfs.command_name(pid)) else f"{pid}" for pid in pids]
    return f" by process{'es' if len(pids) > 1 else ''} {', '.join(named)}"


class Lock:
    """A file or directory that is open to be locked; closed, and so unlocked, at the block's end.

    `flags` are those of open(2) beside O_RDONLY: O_CREAT, O_RDWR, O_DIRECTORY, O_NOFOLLOW. Raises OSError.
    """

    def __init__(self, path: StrPath, flags: int = 0) -> None:
        self.path = os.fspath(path)
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags, 0o666)

    def acquire(
        self, *, shared: bool = False, timeout_seconds: float | None = None, what: str = "", cure: str = "try again"
    ) -> Self:
        """Wait for the lock, with a timeout not longer than that; then raise InUse. `what` is the name of what is locked."""
        try:
            if timeout_seconds is None:
                flock(self, shared=shared)
            elif not self._acquired_in(timeout_seconds, shared=shared):
                raise InUse(f"{what or self.path} is in use{held_by(holders(self))}: {cure}")
        except BaseException:
            self.close()
            raise
        return self

    def _acquired_in(self, seconds: float, *, shared: bool) -> bool:
        end = time.monotonic() + seconds
        while not self.try_acquire(shared=shared):
            if time.monotonic() >= end:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Lock it unless another has it; return whether it was locked."""
        return flock(self, shared=shared, wait=False)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def close(self) -> None:
        """Release the lock; a second time does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
