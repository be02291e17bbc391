"""Sandbox for a learner's code: a process that cannot outlive the notebook, nor leave anything on the machine.

    kernel ──stdin──> supervisor ──clone──> labcore-init ──fork──> python, with the learner's code
                      (no threads)          (process 1 of the sandbox)

The sandbox has mounts, processes, a host name and IPC of its own: when its process 1 dies, the kernel removes them all. That
process is killed when the supervisor dies, and the supervisor ends when its standard input does: the kernel's end of that pipe
is closed by whatever ends the kernel, kill -9 included. It keeps accidents in; root that wants to get out of it can.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from labcore.engine import default_root
from labcore.lab.locked_directories import locked_directory, new_name, sweep
from labcore.native import CloneFlag, MountAttribute, MountFlag, Process, Stream, UnmountFlag, program
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.ops import Op
from labcore.runtime.probe import confined

MAX_PROCESSES: Final = 64  # a fork bomb ends here
UTF_8 = {"PYTHONUTF8": "1"}  # what is said in there is read as such, whatever the locale: PEP 540
PIDS_CGROUPS: Final = "labcore-lab-crowd-"  # the cgroup of a sandbox and its supervisor
NICE: Final = 10  # what runs in a sandbox leaves the processor to whoever has to end it
QUIET: Final = MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of labcore's, never a file of that name in the working directory."""
    return [sys.executable, "-P", "-u", "-m", module, *arguments]


def sandbox_plan(module: str, writable: Sequence[str] = ()) -> Plan:
    """Return the plan of a sandbox in which `python -m module` runs; with `writable`, files can change only below those."""
    return Plan(
        [
            ops.Clone(CloneFlag.NEWNS | CloneFlag.NEWPID | CloneFlag.NEWUTS | CloneFlag.NEWIPC),
            ops.DieWithParent(),
            ops.NewSession(),
            ops.Mount("none", "/", None, MountFlag.REC | MountFlag.PRIVATE),
            *(_read_only_but(writable) if writable else []),
            # A /proc of its own, whose numbers are those that its processes know; and the machine's is not left below it.
            ops.Unmount("/proc", UnmountFlag.DETACH, locked_is_fine=True),
            ops.Mount("proc", "/proc", "proc", QUIET),
            *_proc_in_sight(sorted((Path(writable[0]) if writable else default_root() / "lab" / "roots").glob("*"))),
            ops.Execve(
                (program("labcore-init"), *python(module)),
                tuple(f"{name}={value}" for name, value in (os.environ | UTF_8).items()),
            ),
        ]
    )


def _proc_in_sight(roots: Iterable[Path]) -> list[Op]:
    """Mount a /proc in each root that a learner may pivot into, when the lab is an ordinary user's.

    A user namespace may mount a new /proc only while another is visible, and none is after pivot_root: user_namespaces(7).
    """
    places = [root / "proc" for root in roots if confined()]
    return [ops.Mount("proc", str(place), "proc", QUIET) for place in places if place.is_dir()]


def _read_only_but(directories: Sequence[str]) -> list[Op]:
    return [
        *(ops.OpenTree(directory, number) for number, directory in enumerate(directories)),
        ops.SetMountAttributes("/", MountAttribute.RDONLY),
        *(ops.MoveMount(number, directory) for number, directory in enumerate(directories)),
    ]


def start(module: str, *, stdin: Stream, output: Stream, writable: Sequence[str] = ()) -> Process:
    """Start a sandbox; its standard output and standard error go to one descriptor, in order."""
    return spawn(sandbox_plan(module, writable), stdin=stdin, stdout=output, stderr=output)


class Output:
    """Passes on a sandbox's output up to a limit, and counts the bytes that it drops after that."""

    def __init__(self, fd: int, deliver: Callable[[bytes], None], limit: int) -> None:
        self.fd = fd
        self.dropped = 0
        self._deliver = deliver
        self._left = limit

    def pump(self) -> bool:
        """Pass on what has arrived; return whether more may come."""
        try:
            chunk = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return True
        passed = chunk[: self._left]
        self._left -= len(passed)
        self.dropped += len(chunk) - len(passed)
        if passed:
            self._deliver(passed)
        return bool(chunk)


def watch(
    process: Process, output: Output, lifeline: int, seconds: float, *, before_end: Callable[[], None] = lambda: None
) -> str:
    """Pass on output until the process ends. Return `ended`, `timeout`, or `alone` if the lifeline was closed.

    The process and all its descendants are dead afterwards, and it is reaped; `before_end` is called before one is killed.
    """
    deadline = time.monotonic() + seconds
    poller = select.poll()
    for fd in (process.pidfd, output.fd, lifeline):
        poller.register(fd, select.POLLIN)
    verdict = "timeout"
    while (left := deadline - time.monotonic()) > 0:
        ready = dict(poller.poll(left * 1000))
        if output.fd in ready and not output.pump():
            poller.unregister(output.fd)
        if process.pidfd in ready:
            verdict = "ended"
            break
        if lifeline in ready and not os.read(lifeline, 1):
            verdict = "alone"
            break
    if verdict != "ended":
        before_end()
    process.close() if verdict != "ended" else process.wait()
    _drain(output)
    return verdict


def _drain(output: Output) -> None:
    """Pass on what is still in the pipe; every process that could write to it is dead."""
    os.set_blocking(output.fd, False)
    with suppress(OSError):
        while select.select([output.fd], [], [], 0)[0] and output.pump():
            pass


@contextmanager
def limit_processes(most: int = MAX_PROCESSES) -> Iterator[None]:
    """Move this process, with all that it starts in the block, into a cgroup with a limit on processes: pids.max.

    Where no cgroup can be made there is no limit: cgroups(7).
    """
    parent = _pids_hierarchy()
    before = _own_cgroup(parent) if parent else None
    with ExitStack() as undo:
        if parent and before:
            sweep(parent.glob(f"{PIDS_CGROUPS}*"), _remove_empty)
            with suppress(OSError):
                _enter_cgroup(parent, before, most, undo)
        yield


def _enter_cgroup(parent: Path, before: Path, most: int, undo: ExitStack) -> None:
    """Make a cgroup with a limit on processes, and move in; `undo` moves back to where this process was before."""

    def make() -> Path:
        made = parent / new_name(PIDS_CGROUPS)
        made.mkdir()
        return made

    cgroup = undo.enter_context(locked_directory(make))
    undo.callback(_remove, cgroup)
    (cgroup / "pids.max").write_text(str(most), encoding="utf-8")
    (cgroup / "cgroup.procs").write_text("0", encoding="utf-8")
    undo.callback(_leave_cgroup, before, parent)


def _leave_cgroup(*homes: Path) -> None:
    """Move this process into the first of these cgroups that exists: the one that it came from may be gone by now."""
    for home in homes:
        with suppress(OSError):
            (home / "cgroup.procs").write_text("0", encoding="utf-8")
            return


def _remove_empty(cgroup: Path) -> None:
    with suppress(OSError):
        cgroup.rmdir()


def _pids_hierarchy() -> Path | None:
    """Return where cgroups with a pids controller can be made: v1's hierarchy of that name, or v2's root."""
    v1 = Path("/sys/fs/cgroup/pids")
    if (v1 / "cgroup.procs").exists():
        return v1
    v2 = Path("/sys/fs/cgroup")
    with suppress(OSError):
        if "pids" in (v2 / "cgroup.subtree_control").read_text(encoding="utf-8").split():
            return v2
    return None


def _own_cgroup(parent: Path) -> Path | None:
    """Return the cgroup that this process is in, below `parent`; None if it cannot be seen from here."""
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == ("pids" if parent.name == "pids" else ""):
            found = parent / path.lstrip("/")
            return found if found.is_dir() else None
    return None


def _remove(cgroup: Path) -> None:
    """Remove a cgroup whose processes are dead, once the kernel has reaped the last of them."""
    for _ in range(100):
        try:
            cgroup.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)


def lower_priority() -> None:
    """Lower this process's CPU priority: nice(2). For a sandbox, before a learner's code runs."""
    os.nice(NICE)


def supervise() -> None:
    """Ignore SIGINT, for the notebook handles Ctrl-C by closing the lifeline; exit on SIGTERM, undoing everything."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(128 + signal.SIGTERM))
