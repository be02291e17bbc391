"""Private mounts: a mount namespace of a thread's own, with what a step mounts and nobody else sees: secrets, stages' files.

It is gone with its thread, however that ends, and nothing of it was ever on the disk. Its files are bound into a container by
their paths in /proc/PID/root: `labcore.runtime.mount_trees`.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from pathlib import Path

from labcore.native import AT_FDCWD, CloneFlag, MountFlag, MoveFlag, mount, move_mount, unshare
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class PrivateFile(Record):
    """A file to be mounted, in memory alone: its content, which is not shown, its permissions and owner."""

    content: bytes
    mode: int = 0o400
    uid: int = 0
    gid: int = 0

    def __repr__(self) -> str:
        return f"PrivateFile({len(self.content)} bytes)"


@contextmanager
def private_mounts(place: str, trees: Sequence[int], files: Sequence[PrivateFile]) -> Iterator[str]:
    """Yield the directory in which detached mounts are, as `tree0` and so on, and files, as `file0` and so on.

    `place` is an empty directory of the machine's. Raises SystemCallError, OSError.
    """
    ready, over = threading.Event(), threading.Event()
    raised: list[BaseException] = []
    place = os.path.realpath(place)

    def work() -> None:
        try:
            _fill(place, trees, files)
        except BaseException as error:
            raised.append(error)
        ready.set()
        over.wait()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        ready.wait()
        if raised:
            raise raised.pop()
        yield f"/proc/{thread.native_id}/root{place}"
    finally:
        over.set()
        thread.join()


def _fill(place: str, trees: Sequence[int], files: Sequence[PrivateFile]) -> None:
    unshare(CloneFlag.NEWNS)
    mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
    mount("tmpfs", place, "tmpfs", MountFlag.NODEV | MountFlag.NOSUID, "mode=700")
    for number, tree in enumerate(trees):
        Path(place, f"tree{number}").mkdir(0o700)
        move_mount(tree, "", AT_FDCWD, f"{place}/tree{number}", MoveFlag.F_EMPTY_PATH)
    for number, file in enumerate(files):
        fd = os.open(f"{place}/file{number}", NEW, 0o600)
        with os.fdopen(fd, "wb") as opened:
            opened.write(file.content)
            opened.flush()
            os.fchown(fd, file.uid, file.gid)
            os.fchmod(fd, file.mode)
