"""Benchmark workspace: a tmpfs in mount and network namespaces of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labcore import native
from labcore.errors import Unavailable
from labcore.native import CloneFlag, MountFlag, UnmountFlag
from labcore.network.links import set_up
from labcore.network.netlink import Netlink

LOOPBACK = 1  # the first interface of a network namespace
UNIFIED_CGROUP = "/sys/fs/cgroup/unified"


@contextmanager
def workspace() -> Iterator[Path]:
    """Yield a tmpfs in new mount and network namespaces of this process: no mount, link or rule is left, however it ends.

    The network has the loopback interface alone. Rules that today's nftables makes here would crash the one of Debian 12
    (1.0.6) at each listing, and so they must not come into the machine's own network.
    """
    if (count := native.threads()) > 1:
        raise Unavailable(f"the benchmark changes its namespaces, and this process has {count} threads: run `labcore bench`")
    native.unshare(CloneFlag.NEWNS | CloneFlag.NEWNET)
    with Netlink() as netlink:
        netlink.request(set_up(LOOPBACK))
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
