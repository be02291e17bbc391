"""Snapshot locks: one container at a time uses a snapshot, flock(2).

Two overlays that write to one upper directory damage it, and the kernel does not stop them. So the user of a snapshot locks its
directory; the kernel releases the lock of a process that is killed. Such a process leaves the file `in-use` behind: then the
kernel is asked whether the upper directory is still mounted, for a container outlives its killed starter by moments, and one
with a shim by years.
"""

import json
import os
import re
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from labcore.errors import InUse, InvalidInput, NotFound
from labcore.locks import Lock, held_by, holders, is_at
from labcore.native import Process
from labcore.procfs import start_time
from labcore.spec import OverlayRoot, Root
from labcore.storage import overlay

DYING_SECONDS: Final = 2.0  # that a container may take to end after its starter was killed
MARK: Final = "in-use"
NOTED: Final = 64  # bytes of it: room for the process that is noted later


class Use:
    """A snapshot in use: its root file system, and the image's config that it was made with."""

    def __init__(self, name: str, root: Root, config: str, mark: Path) -> None:
        self.name = name
        self.root = root
        self.config = config
        self.goes_on = False
        self._mark = mark

    def runs(self, process: Process, *, goes_on: bool = False) -> None:
        """Note which process has the snapshot as its root: its files are reached through it.

        With `goes_on` it has it also when this use is over.
        """
        self.goes_on = goes_on
        started = start_time(process.pid)
        if started is not None:  # else it has ended already
            noted = json.dumps({"pid": process.pid, "started": started})
            with self._mark.open("r+") as mark:  # as it is: the disk may be full by now
                mark.write(noted.ljust(NOTED))


@contextmanager
def used(directory: Path, name: str, root: Root, config: str) -> Iterator[Use]:
    """Lock the snapshot in a directory until the block ends. Raises NotFound, InUse."""
    with Lock(directory, os.O_DIRECTORY | os.O_NOFOLLOW) as lock:
        mark = directory / MARK
        if not lock.try_acquire():
            raise InUse(f"snapshot {name} is in use{_by(mark) or held_by(holders(lock))}: end what uses it first")
        if not is_at(lock, directory):
            raise NotFound(f"no snapshot {name}: somebody has just removed it")
        if mark.exists() and not _becomes_free(root, mark):
            raise InUse(f"snapshot {name} is in use{_by(mark)}: end that container first")
        use = Use(name, root, config, mark)
        mark.write_text(" " * NOTED)
        yield use
        if not use.goes_on:
            mark.unlink(missing_ok=True)


def _becomes_free(root: Root, mark: Path) -> bool:
    if isinstance(root, OverlayRoot):
        return overlay.wait_until_unmounted(root, seconds=DYING_SECONDS)
    pidfd = user_of(mark.parent)
    if pidfd is None:
        return True
    try:
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        return bool(poller.poll(DYING_SECONDS * 1000))
    finally:
        os.close(pidfd)


def user_of(directory: Path) -> int | None:
    """Return a pidfd of the container that uses the snapshot in a directory, None if none is known to."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        noted = json.loads((directory / MARK).read_text())
        pidfd = os.pidfd_open(int(noted["pid"]))
        if start_time(int(noted["pid"])) == noted["started"]:
            return pidfd
        os.close(pidfd)
    return None


@contextmanager
def root_of_process(pidfd: int, whose: str) -> Iterator[int]:
    """Open the root of a container that lives; `whose` names it in errors. Raises InUse, InvalidInput."""
    found = re.search(r"^Pid:\s+(-?\d+)", Path(f"/proc/self/fdinfo/{pidfd}").read_text(), re.MULTILINE)
    pid = int(found[1]) if found else -1
    try:
        if Path(f"/proc/{pid}/uid_map").read_text() != Path("/proc/self/uid_map").read_text():
            raise InvalidInput(f"{whose} runs, and its users are others outside: end it to reach its files")
        fd = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InUse(f"{whose} is in use, and its files are out of reach: {error.strerror}") from None
    try:
        with suppress(PermissionError):
            signal.pidfd_send_signal(pidfd, 0)  # it was this process, and not one that has got its number
        yield fd
    except ProcessLookupError:
        raise InUse(f"{whose} has just ended: try again") from None
    finally:
        os.close(fd)


def _by(mark: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return held_by([int(json.loads(mark.read_text())["pid"])])
    return ""
