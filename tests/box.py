"""A box: the mount, PID, network and cgroup namespaces of a run of the tests, with its own /tmp and /run, and of each worker.

    python tests/box.py COMMAND [ARG...]

What is seen in it was made in it: no neighbour's process, mount, cgroup, link, port or temporary file. When the command ends,
whatever it has left running is killed, and its cgroups and its /tmp are removed. The file `network` in the shared directory is
the machine's own network namespace, for those tests that fetch packages. On a machine with systemd, which knows processes by
their numbers and cgroups by their paths, the box has only its mounts and its network; an ordinary user has none.

Needs nothing but Python's standard library: it runs before what is tested is imported.
"""

import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType

SHARED = "LABCORE_TESTS_SHARED"  # the directory that all workers of a run see; it is set in a box, and nowhere else
NEWNS, NEWCGROUP, NEWPID, NEWNET = 0x00020000, 0x02000000, 0x20000000, 0x40000000  # linux/sched.h
PR_SET_PDEATHSIG = 1
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1  # netdevice(7)
PREFIX = "labcore-tests-"  # of the names of its /tmp and of its cgroups
FORWARDED = (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP)
CGROUPS = Path("/sys/fs/cgroup")
SYSTEMD = Path("/run/systemd/system")
REMOVAL_SECONDS = 10.0
_LIBC = ctypes.CDLL(None, use_errno=True)

Mount = tuple[Path, str, str]  # its place, its kind and its options


def words(*command: str) -> list[str]:
    """Return the words that run a command in a box of its own; an ordinary user's runs without."""
    return list(command) if os.geteuid() else [sys.executable, str(Path(__file__).absolute()), *command]


def main(command: list[str]) -> int:
    """Run a command in a new box, and return its status; of a signal's, 128 and the signal."""
    sweep()
    place = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))
    place.chmod(0o1777)
    lock = os.open(place, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        cgroups = [] if SYSTEMD.is_dir() else [made(group) for group in cgroups_of(place)]
        if not SYSTEMD.is_dir():
            must(_LIBC.unshare(NEWPID))  # of the children from now on
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)  # until it is known to whom they go
        if not (first := os.fork()):
            _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            os._exit(inside(place, cgroups, command))
        return status_of(first)
    finally:  # nobody is in the namespaces any more
        discard(place)


def sweep() -> None:
    """Remove what is left of boxes that were killed: nobody holds them."""
    for place in Path("/tmp").glob(f"{PREFIX}*"):
        with suppress(OSError):
            lock = os.open(place, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if place.stat().st_mtime < time.time() - 60:  # else it may be about to be held
                    discard(place)
            finally:
                os.close(lock)


def discard(place: Path) -> None:
    """Remove a box's cgroups and its /tmp."""
    for cgroup in cgroups_of(place):
        remove(cgroup)
    from labcore.storage.directories import remove_tree  # of any depth, which shutil cannot; a new process could not be made

    with suppress(OSError):
        remove_tree(place)


def inside(place: Path, cgroups: list[Path], command: list[str]) -> int:
    """Furnish the box, run the command in it, and reap whatever comes to the first process of a PID namespace."""
    enter(cgroups)
    (place / "shared").mkdir()
    if shared := os.environ.get(SHARED):  # of the run that this box is a worker's of
        mount("--rbind", shared, place / "shared")
    os.environ[SHARED] = "/tmp/shared"
    mount("--rbind", place, "/tmp")
    leave_network(Path("/tmp/shared/network"))
    if not SYSTEMD.is_dir():
        mount("-t", "proc", "proc", "/proc")
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    unblock = partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, FORWARDED)
    process = subprocess.Popen(command, preexec_fn=unblock)  # kept, for one that nobody has any more is reaped elsewhere
    return status_of(process.pid)


def enter(cgroups: list[Path]) -> None:
    """Enter the cgroups and new namespaces, in which those are the roots of what is mounted."""
    mounts = list(hierarchies()) if cgroups else []
    for cgroup in cgroups:
        (cgroup / "cgroup.procs").write_text("0")
    must(_LIBC.unshare(NEWNS | (NEWCGROUP if cgroups else 0)))
    mount("--make-rprivate", "/")
    for point, kind, options in mounts:
        subprocess.run(["umount", point], check=True)
        mount("-t", kind, "-o", options, "cgroup", point)
    if CGROUPS in (point for point, _, _ in mounts):  # version 2 alone: who has processes hands no controllers down
        (CGROUPS / "init").mkdir()
        (CGROUPS / "init/cgroup.procs").write_text("0")
        controllers = (CGROUPS / "cgroup.controllers").read_text().split()
        (CGROUPS / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))


def leave_network(machines: Path) -> None:
    """Enter a network namespace that has the loopback interface alone; the machine's stays at that path.

    It forwards, as most machines with containers do: the first bridge of a run would say that it has switched that on.
    """
    if not machines.exists():
        machines.touch()
        mount("--bind", "/proc/self/ns/net", machines)
    must(_LIBC.unshare(NEWNET))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def status_of(process: int) -> int:
    """Wait for a process, and for those that are given to us meanwhile; it is told of the signals that we get."""

    def forward(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(process, number)

    for number in FORWARDED:
        signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    signal.signal(signal.SIGINT, lambda *_: None)  # a terminal sends it to the command as well
    while True:
        ended, status = os.wait()
        if ended == process:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


# --- cgroups


def cgroups_of(place: Path) -> Iterator[Path]:
    """Yield a box's cgroup in each hierarchy that lets us: below our own, or in version 2 alone beside it (cgroups(7))."""
    own = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines())
    for point, kind, options in hierarchies():
        path = own.get(options if kind == "cgroup" else "", "/")
        yield Path(os.path.normpath(f"{point}{path}/{'../' if point == CGROUPS and path != '/' else ''}{place.name}"))


def made(group: Path) -> Path:
    """Make a cgroup that can be entered."""
    group.mkdir()
    for file in ("cpuset.cpus", "cpuset.mems") if (group / "cpuset.sched_load_balance").exists() else ():
        (group / file).write_text((group.parent / file).read_text())  # empty at first, and then nobody can enter
    return group


def hierarchies() -> Iterator[Mount]:
    """Yield where cgroups are mounted, each with its kind and the names that choose it."""
    known = {line.split()[0] for line in Path("/proc/cgroups").read_text().splitlines()[1:]}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, kind, options, *_ = line.split()
        if kind in ("cgroup", "cgroup2") and os.access(point, os.W_OK) and "rw" in options.split(","):
            names = [word for word in options.split(",") if word in known or word.startswith("name=")]
            yield Path(point), kind, ",".join(names) or "rw"


def remove(cgroup: Path) -> None:
    """Remove a cgroup and those below it, once the kernel has taken their dead processes out."""
    deadline = time.monotonic() + REMOVAL_SECONDS
    while cgroup.exists() and time.monotonic() < deadline:
        for below, _, _ in os.walk(cgroup, topdown=False):
            with suppress(OSError):
                Path(below).rmdir()
        time.sleep(0.01)


def mount(*arguments: "str | Path") -> None:
    """Call mount(8)."""
    subprocess.run(["mount", *arguments], check=True)


def must(result: int) -> None:
    """Raise the OSError of a call that has failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"a box for the tests cannot be made: {os.strerror(number)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
