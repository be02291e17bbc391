"""tmpcopyup: fill a tmpfs with what the directory below it holds, a mount option that podman gives with `--tmpfs`.

The starter does it, for the mounted tmpfs through /proc/PID/root. The container's root is a stranger's, and no link in it is
followed.
"""

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from labcore.native import Process, Resolve, openat2
from labcore.runtime.ops import Sync

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
BELOW = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def filled(root: str, targets: Sequence[str]) -> Sync:
    """Return the op that fills those tmpfs that are to begin with what they cover, below the directory `root`."""
    wanted = [target for target in targets if mode_of(root, target) is not None]

    def fill(process: Process) -> None:
        for target in wanted:
            copy_up(process, root, target)

    return Sync(f"fills {' '.join(wanted)}", fill)


def copy_up(process: Process, root: str, target: str) -> None:
    """Copy what lies at `target` in the directory `root` to what is mounted there for the process. Nothing there is fine."""
    source = _open(root, target)
    if source is None:
        return
    there = _open(f"/proc/{process.pid}/root", target)
    try:
        if there is not None:
            _copy_directory(source, there)
            os.close(there)
    finally:
        os.close(source)


def mode_of(root: str, path: str) -> int | None:
    """Return the permissions of a directory below `root`; None if there is none."""
    found = _open(root, path)
    if found is None:
        return None
    try:
        return stat.S_IMODE(os.fstat(found).st_mode)
    finally:
        os.close(found)


def _open(root: str, path: str) -> int | None:
    top = os.open(root, BELOW)
    try:
        return openat2(top, path.lstrip("/"), BELOW, resolve=Resolve.IN_ROOT)
    except OSError:
        return None
    finally:
        os.close(top)


def _copy_directory(source: int, target: int) -> None:
    for name in os.listdir(source):
        status = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            os.mkdir(name, 0o700, dir_fd=target)
            below, above = os.open(name, DIRECTORY, dir_fd=source), os.open(name, DIRECTORY, dir_fd=target)
            try:
                _copy_directory(below, above)
            finally:
                os.close(below)
                os.close(above)
        elif stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        elif stat.S_ISREG(status.st_mode):
            _copy_file(source, target, name)
        else:
            continue  # sockets, FIFOs and devices are made by whoever serves them
        _copy_metadata(status, target, name)
    _copy_metadata(os.fstat(source), target, ".")


def _copy_file(source: int, target: int, name: str) -> None:
    # Nor is waited for what it may have become in the meantime, a FIFO that nobody writes to.
    there = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source)
    with os.fdopen(there, "rb") as reader:
        made = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=target)
        with os.fdopen(made, "wb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 18)


def _copy_metadata(status: os.stat_result, target: int, name: str) -> None:
    os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        Path(f"/proc/self/fd/{target}/{name}").chmod(stat.S_IMODE(status.st_mode))
    os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=target, follow_symlinks=False)
