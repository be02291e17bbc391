"""Live processes as values, read from /proc: namespaces, PIDs, process trees."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from labcore import procfs
from labcore.errors import InvalidInput, LabcoreError, Unavailable
from labcore.lab.messages import say
from labcore.record import Record


class HasPid(Protocol):
    """A process that somebody holds: labcore's own, or one of `subprocess`."""

    @property
    def pid(self) -> int:
        """Its number."""


Target = int | HasPid


def number(process: Target) -> int:
    """Return a process's number. Raises InvalidInput if it has ended."""
    pid = process if isinstance(process, int) else getattr(process, "pid", None)
    if not isinstance(pid, int) or isinstance(pid, bool):
        raise InvalidInput(say("a process is given by itself or by its number, not by {what}", what=repr(process)))
    if getattr(process, "returncode", None) is not None or task(pid).ended:  # another may have its number by now
        raise _ended(pid)
    return pid


def read(pid: int, name: str) -> str:
    """Return the text of /proc/PID/name. Raises InvalidInput if the process has ended, Unavailable if it is not ours to see."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise refusal(pid, error) from None


def _ended(pid: int) -> InvalidInput:
    return InvalidInput(say("process {pid} has ended: draw it while it runs", pid=pid))


def refusal(pid: int, error: OSError) -> LabcoreError:
    """Return why a process may not be looked into: it is not ours, or has ended."""
    if isinstance(error, PermissionError):
        return Unavailable(
            say("process {pid} may not be looked into from here: run this as root, or choose one of your own", pid=pid)
        )
    return _ended(pid)  # ENOENT, ESRCH; and EINVAL for the mounts of one that is not reaped yet


# --- namespaces


def namespaces(pid: int) -> dict[str, int]:
    """Return the inode number of each namespace that a process is in, by kind: namespaces(7)."""
    try:
        return procfs.namespaces(pid)
    except OSError as error:
        raise refusal(pid, error) from None


def groups(inodes: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the positions that share one namespace, group by group, in order of their first."""
    together: dict[int, list[int]] = {}
    for position, inode in enumerate(inodes):
        together.setdefault(inode, []).append(position)
    return [tuple(positions) for positions in together.values()]


def runs(positions: Sequence[int]) -> list[tuple[int, int]]:
    """Return first and last of each run of neighbours: (0, 1, 3) gives [(0, 1), (3, 3)]."""
    found: list[tuple[int, int]] = []
    for position in positions:
        if found and found[-1][1] == position - 1:
            found[-1] = (found[-1][0], position)
        else:
            found.append((position, position))
    return found


# --- processes


class Task(Record):
    """A process. `numbers` is its NSpid: what it is called in each PID namespace that it is in, outermost first."""

    pid: int
    name: str
    numbers: tuple[int, ...]
    parent: int
    ended: bool = False  # and not reaped yet
    children: tuple["Task", ...] = ()

    def inside(self, depth: int) -> int | None:
        """Return its number in the PID namespace at that depth, if it is to be seen there at all."""
        return self.numbers[depth - 1] if len(self.numbers) >= depth else None


def task(pid: int) -> Task:
    """Return one process, without its children."""
    return parse_status(pid, read(pid, "status"))


def parse_status(pid: int, text: str) -> Task:
    """Return the process that a /proc/PID/status file tells of: proc_pid_status(5)."""
    fields = procfs.parse_status(text)
    numbers = tuple(int(word) for word in fields["NSpid"].split())
    return Task(pid, fields["Name"], numbers, int(fields["PPid"]), fields["State"][0] in procfs.ENDED)


def tree(pid: int) -> Task:
    """Return a process and all that descend from it; those that end meanwhile are left out."""
    children = []
    for child in procfs.children(pid):
        with suppress(InvalidInput):
            children.append(tree(child))
    return task(pid).replace(children=tuple(children))


def under_ancestors(root: Task, most: int = 2) -> Task:
    """Return a tree with up to `most` ancestors above it, each with this one child; the calling process is the last."""
    top = root
    with suppress(LabcoreError):  # an ancestor may end meanwhile
        while most and top.parent and (top is root or top.pid != os.getpid()):
            top = task(top.parent).replace(children=(top,))
            most -= 1
    return top
