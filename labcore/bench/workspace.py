"""Benchmark workspace: a tmpfs in a mount namespace of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labcore import native
from labcore.errors import Unavailable
from labcore.native import CloneFlag, MountFlag, UnmountFlag

UNIFIED_CGROUP = "/sys/fs/cgroup/unified"


@contextmanager
def workspace() -> Iterator[Path]:
    """Yield a tmpfs in a new mount namespace of this process: no mount is left behind, however it ends."""
    if (count := native.threads()) > 1:
        raise Unavailable(
            f"the benchmark changes its mount namespace, and this process has {count} threads: run `labcore bench`"
        )
    native.unshare(CloneFlag.NEWNS)
    native.mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
    if Path(UNIFIED_CGROUP).is_dir():  # crun refuses machines that have cgroup v1 and v2 side by side: show it v1 only
        native.mount("none", UNIFIED_CGROUP, "tmpfs")
    work = Path(tempfile.mkdtemp(prefix="labcore-bench-"))
    try:
        native.mount("labcore-bench", str(work), "tmpfs")
        yield work
    finally:
        native.umount2(str(work), UnmountFlag.DETACH)
        work.rmdir()
