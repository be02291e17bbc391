"""Listeners: which process has a port, for an error that names it: proc_pid_net(5), proc_pid_fd(5)."""

import os
from collections.abc import Iterator
from contextlib import suppress

from labcore import procfs

PROXY = "labcore-proxy"  # the name of the process that holds published ports
TCP_LISTEN, UDP_UNCONNECTED = "0A", "07"


def held_by(protocol: str, port: int) -> str:
    """Return the end of a sentence: ` by process 12 (nginx)`; nothing if nobody is found, who may be in another namespace."""
    wanted = {f"socket:[{inode}]" for inode in _inodes(protocol, port)}
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):  # noqa: PTH208
        if wanted and not wanted.isdisjoint(_links(pid)):
            name = procfs.command_name(pid)
            return " by another container" if name == PROXY else f" by process {pid} ({name})"
    return ""


def _inodes(protocol: str, port: int) -> Iterator[str]:
    state = TCP_LISTEN if protocol == "tcp" else UDP_UNCONNECTED
    for name in (protocol, f"{protocol}6"):
        with suppress(FileNotFoundError), open(f"/proc/thread-self/net/{name}", encoding="utf-8") as table:  # noqa: PTH123
            for _, local, _, now, *_, inode in (line.split()[:10] for line in list(table)[1:]):
                if now == state and int(local.rpartition(":")[2], 16) == port:
                    yield inode


def _links(pid: int) -> Iterator[str]:
    with suppress(OSError):  # it has ended, or is another user's
        for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
            with suppress(OSError):
                yield os.readlink(f"/proc/{pid}/fd/{name}")  # noqa: PTH115
