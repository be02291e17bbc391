"""Reset: `lab.reset()` ends processes that a lesson has left, and compares the machine with a snapshot from its start."""

import gc
import html
import os
import select
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from labcore import native, procfs
from labcore.errors import InvalidInput, SystemCallError
from labcore.lab import cgroups, daemons, hosts
from labcore.lab.colours import BAD, GOOD
from labcore.lab.messages import labelled, say
from labcore.lab.miniature import serving
from labcore.native import Prctl, Process
from labcore.network.links import list_links
from labcore.network.netlink import Netlink
from labcore.procfs import NAMESPACE_FILES
from labcore.record import Record

# Where a container that was put together wrongly would leave its traces.
WATCHED = ("/", "/etc", "/dev", "/bin", "/usr/bin", "/usr/local/bin", "/root", "/home", "/mnt")
CGROUPS = Path("/sys/fs/cgroup")
EXIT_TIMEOUT_SECONDS = 2.0  # seconds that a killed process is given to be gone


class Snapshot(Record):
    """A snapshot of the machine: sets of lines, by subject."""

    mounts: frozenset[str]
    namespaces: frozenset[str]
    links: frozenset[str]
    cgroups: frozenset[str]
    processes: frozenset[str]
    files: frozenset[str]


class Report(Record):
    """The changes since the lesson began: for each subject the number of things compared, and the lines that differ."""

    compared: dict[str, int]
    changed: dict[str, tuple[str, ...]]
    ended: int = 0

    @property
    def clean(self) -> bool:
        """Has nothing changed?"""
        return not any(self.changed.values())

    def lines(self) -> list[str]:
        """Return the report, a line for each subject and for each difference."""
        names = {
            "mounts": say("mounts"),
            "namespaces": say("namespaces"),
            "links": say("network links"),
            "cgroups": say("cgroups"),
            "processes": say("processes"),
            "files": say("files outside the root"),
        }
        lines = [say("{n} processes ended that were left", n=self.ended)] if self.ended else []
        for subject, count in self.compared.items():
            changed = self.changed[subject]
            mark, state = ("✗", say("changed")) if changed else ("✓", say("as before"))
            lines.append(f"{mark} {labelled(names[subject], state)} ({count})")
            lines += [f"    {line}" for line in changed[:8]]
        return lines

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        colour = GOOD if self.clean else BAD
        rows = "".join(f"<div>{html.escape(line)}</div>" for line in self.lines())
        return f"<div style='border-left:4px solid {colour};padding:2px 10px;line-height:1.5'>{rows}</div>"


_REMEMBERED: list[Snapshot] = []


def remember() -> None:
    """Take the snapshot that `reset` compares with; only the first one in a process counts.

    Makes this process the subreaper of its descendants, so that `reset` finds orphans: prctl(2), PR_SET_CHILD_SUBREAPER.
    """
    if not _REMEMBERED:
        native.prctl(Prctl.SET_CHILD_SUBREAPER, 1)
        _REMEMBERED.append(snapshot())


def reset() -> Report:
    """End the processes that the lesson has left, and compare the machine with how it was at `lab.begin`.

    Raises InvalidInput if the lesson was not begun.
    """
    if not _REMEMBERED:
        raise InvalidInput(say("nothing to compare with: run the lesson's first cell, lab.begin, before"))
    (before,) = _REMEMBERED
    serving.close()
    daemons.close()
    hosts.close()
    ended = _end_what_was_left(before)
    cgroups.remove_all()
    now = snapshot()
    changed = {}
    for subject, was in before.as_dict().items():
        differs = [f"+ {line}" for line in now.as_dict()[subject] - was] + [
            f"- {line}" for line in was - now.as_dict()[subject]
        ]
        changed[subject] = tuple(sorted(differs))
    return Report({subject: len(lines) for subject, lines in now.as_dict().items()}, changed, ended)


def snapshot() -> Snapshot:
    """Return a snapshot of the machine as this process sees it."""
    family = [os.getpid(), *procfs.descendants(os.getpid())]
    return Snapshot(
        mounts=frozenset(_mounts()),
        namespaces=frozenset(line for pid in family for line in _namespaces(pid)) | {f"hostname {os.uname().nodename}"},
        links=frozenset(_links()),
        cgroups=frozenset(_cgroups()),
        processes=frozenset(_process(pid) for pid in family),
        files=frozenset(line for directory in WATCHED for line in _files(directory)),
    )


def _links() -> Iterator[str]:
    """Yield the links of this network namespace; /sys/class/net may show those of another one: sysfs(5)."""
    with Netlink() as netlink:
        for link in list_links(netlink):
            yield link.name


def _mounts() -> Iterator[str]:
    """Yield the mounts of this mount namespace, with all but their numbers, equal ones told apart: proc_pid_mountinfo(5)."""
    seen: Counter[str] = Counter()
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        at = fields.index("-")
        kind = " ".join(field.partition(":")[0] for field in fields[6:at])  # shared, master, unbindable
        text = " ".join(filter(None, (fields[4], fields[3], fields[5], kind, *fields[at + 1 : at + 3])))
        seen[text] += 1
        yield text if seen[text] == 1 else f"{text} ({seen[text]} times)"


def _namespaces(pid: int) -> Iterator[str]:
    for name in NAMESPACE_FILES.values():
        with suppress(OSError):
            yield f"{name}:[{procfs.namespace(pid, name)}]"


def _cgroups() -> Iterator[str]:
    """Yield labcore's cgroups; those of helper cells and checks, here or in another notebook, come and go by themselves."""
    for depth in ("", "*/", "*/*/"):
        for path in CGROUPS.glob(f"{depth}*labcore*"):
            if not path.name.startswith("labcore-lab-"):
                yield str(path)


def _process(pid: int) -> str:
    """Return a process's identity: its PID and start time, which no later process has."""
    try:
        return f"{pid} {procfs.command_name(pid)} {procfs.stat_fields(pid)[19]}"
    except OSError:
        return f"{pid} -"


def _files(directory: str) -> Iterator[str]:
    """Yield the files of a directory: in /etc with size and time, for there they are not changed by merely running."""
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            yield entry.path + (f" {status.st_size} {status.st_mtime_ns}" if directory == "/etc" else "")


def _end_what_was_left(before: Snapshot) -> int:
    """End the descendants that did not exist at the beginning; return how many of them were still running."""
    left = [pid for pid in procfs.descendants(os.getpid()) if _process(pid) not in before.processes]
    ended_already = sum(procfs.has_ended(pid) for pid in left)
    # Those that a variable of the notebook still holds, by their handles: nobody else may take note of their ends.
    for found in gc.get_objects():
        if type(found) is Process and found.returncode is None and found.pid in left:
            found.close()
    for pid in left:
        _end(pid)
    return len(left) - ended_already


def _end(pid: int) -> None:
    try:
        pidfd = native.pidfd_open(pid)
    except SystemCallError:  # it has ended, with its parent or by itself
        return
    try:
        with suppress(SystemCallError):
            native.pidfd_send_signal(pidfd, signal.SIGKILL)
        select.select([pidfd], [], [], EXIT_TIMEOUT_SECONDS)
        with suppress(ChildProcessError):
            os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
    finally:
        os.close(pidfd)
