"""Where benchmarks work: a tmpfs, in a mount namespace of their own, which is that of today's peers where there is one."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from labcore import native
from labcore.bench import today
from labcore.errors import Unavailable
from labcore.native import CloneFlag, MountFlag, UnmountFlag

UNIFIED_CGROUP = "/sys/fs/cgroup/unified"


@contextmanager
def room(*visible: Path) -> Iterator[Path]:
    """A tmpfs to work in, in a mount namespace of our own: whatever becomes of us, no mount is left behind.

    In it, commands are those of today's peers, if their root was made (tools/peers), else this machine's. Of the machine's
    directories one sees there what is `visible`, beside the project and /tmp.
    """
    if (count := native.threads()) > 1:
        raise Unavailable(
            f"the benchmark changes its mount namespace, and this process has {count} threads: run `labcore bench`"
        )
    with ExitStack() as undo:
        if today.is_made():
            _enter(undo.enter_context(today.held(*filter(Path.exists, visible))), undo)
        else:
            _leave_the_machines()
        work = Path(tempfile.mkdtemp(prefix="labcore-bench-"))
        undo.callback(work.rmdir)
        native.mount("labcore-bench", str(work), "tmpfs")
        undo.callback(native.umount2, str(work), UnmountFlag.DETACH)
        yield work


def _leave_the_machines() -> None:
    native.unshare(CloneFlag.NEWNS)
    native.mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
    if Path(UNIFIED_CGROUP).is_dir():  # crun refuses machines that have cgroup v1 and v2 side by side: show it v1 only
        native.mount("none", UNIFIED_CGROUP, "tmpfs")


def _enter(pid: int, undo: ExitStack) -> None:
    """Enter that process's mount namespace, until `undo`."""
    here, directory = (os.open(path, os.O_RDONLY) for path in ("/proc/self/ns/mnt", "."))
    for descriptor in (here, directory):
        undo.callback(os.close, descriptor)
    path = os.environ["PATH"]
    there = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    try:
        native.setns(there, CloneFlag.NEWNS)
    finally:
        os.close(there)
    undo.callback(os.environ.__setitem__, "PATH", path)
    undo.callback(os.fchdir, directory)
    undo.callback(native.setns, here, CloneFlag.NEWNS)
    os.environ["PATH"] = today.PATH
