"""/proc/PID: start time, namespaces, NSpid, parent and children of a process; proc(5).

A process's number is used again after its end: who keeps one keeps the start time with it, and compares.
A container's `start` and `kill` import this, and take as long as their imports: `os` only.
"""

from __future__ import annotations

import os

KINDS = ("mnt", "pid", "uts", "ipc", "net", "cgroup", "user", "time")  # files in /proc/PID/ns: namespaces(7)
NAMESPACE_FILES = {
    "mount": "mnt",
    "pid": "pid",
    "uts": "uts",
    "ipc": "ipc",
    "network": "net",
    "cgroup": "cgroup",
    "user": "user",
}
ENDED = "ZX"  # the states of a process that has ended, and that its parent has not waited for yet
PF_EXITING = 0x4  # linux/sched.h: its namespaces and its root may be gone, before anybody is told of its end


def stat_fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat behind the name, `state` first; the name may hold any bytes, parentheses too.

    Raises FileNotFoundError, ProcessLookupError.
    """
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].decode().split()


def start_time(pid: int) -> int | None:
    """Return when a process was started, in clock ticks after boot; None if it has ended: proc_pid_stat(5)."""
    try:
        fields = stat_fields(pid)
    except OSError:
        return None
    return None if fields[0] in ENDED else int(fields[19])


def has_ended(pid: int) -> bool:
    """Return whether a process is gone, or a zombie."""
    return start_time(pid) is None


def is_ending(pid: int) -> bool:
    """Return whether a process has ended, or is about to: the first one of a PID namespace waits for the end of all others."""
    try:
        fields = stat_fields(pid)
    except OSError:
        return True
    return fields[0] in ENDED or bool(int(fields[6]) & PF_EXITING)


def parent(pid: int) -> int:
    """Return the number of a process's parent, 0 if that cannot be seen from here. Raises as `stat_fields`."""
    return int(stat_fields(pid)[1])


def command_name(pid: int) -> str:
    """Return the name of a process's program, fit to be shown; empty if the process is gone: proc_pid_comm(5)."""
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            name = file.read().decode(errors="replace").removesuffix("\n")
    except OSError:
        return ""
    return "".join(character if character.isprintable() else "?" for character in name)


def command_line(pid: int) -> bytes:
    """Return the argument list of a process's program, each ended by a null byte: proc_pid_cmdline(5). Raises OSError.

    A child has its parent's until it calls execve.
    """
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()


def status(pid: int) -> dict[str, str]:
    """Return the fields of /proc/PID/status: proc_pid_status(5). Raises FileNotFoundError, ProcessLookupError."""
    with open(f"/proc/{pid}/status", "rb") as file:
        return parse_status(file.read().decode(errors="replace"))


def parse_status(text: str) -> dict[str, str]:
    """Return the fields of a status file."""
    lines = (line.partition(":") for line in text.split("\n"))
    return {name: value.strip() for name, colon, value in lines if colon}


def ns_pids(pid: int) -> list[int]:
    """Return the numbers of a process in the PID namespaces that it is in, the outermost first: NSpid. Raises as `status`."""
    return [int(word) for word in status(pid)["NSpid"].split()]


def namespace(pid: int | str, kind: str) -> int:
    """Return the inode number of a namespace of a process, or of "self"; `kind` is one of KINDS.

    Raises FileNotFoundError if the process has ended or this kernel has no such kind; PermissionError.
    """
    link = os.readlink(f"/proc/{pid}/ns/{kind}")
    return int(link[len(kind) + 2 : -1])  # mnt:[4026531841]


def namespaces(pid: int | str) -> dict[str, int]:
    """Return the inode numbers of all namespaces of a process, by kind; those kinds that this kernel has. Raises OSError."""
    return {kind: namespace(pid, kind) for kind in KINDS if os.path.lexists(f"/proc/self/ns/{kind}")}


def children(pid: int) -> list[int]:
    """Return the numbers of the processes that any thread of a process has started, sorted; none if it is gone."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return sorted(child for thread in threads for child in _children_of_thread(pid, thread))


def _children_of_thread(pid: int, thread: str) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
            return [int(word) for word in file.read().split()]
    except OSError:  # it has just ended
        return []


def descendants(pid: int) -> list[int]:
    """Return the numbers of all processes below one, each before its own children."""
    found = children(pid)
    for child in found:  # which grows meanwhile
        found += children(child)
    return found


def block_device_path(major: int, minor: int) -> str:
    """Return the file of a block device: sysfs(5) names it."""
    try:
        return f"/dev/{os.path.basename(os.readlink(f'/sys/dev/block/{major}:{minor}'))}"
    except OSError:
        return f"/dev/block/{major}:{minor}"
