"""What can be seen of a container's process from outside: proc(5), namespaces(7)."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from labcore import native
from labcore.native import CloneFlag
from labcore.record import Record

# a kind of namespace, as specs name it -> its file in /proc/PID/ns
FILES = {"mount": "mnt", "pid": "pid", "uts": "uts", "ipc": "ipc", "network": "net", "cgroup": "cgroup", "user": "user"}


class Seen(Record):
    """A process by its number out here."""

    pid: int

    def namespace(self, kind: str) -> str:
        """Return the identity of the namespace that it is in."""
        return str(Path(f"/proc/{self.pid}/ns/{FILES[kind]}").readlink())

    @property
    def numbers(self) -> list[int]:
        """Its numbers, from the outermost PID namespace to its own (NSpid)."""
        return [int(word) for word in self.status("NSpid").split()]

    def status(self, field: str) -> str:
        """Return a field of its status file."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith(field + ":"))

    @property
    def parent(self) -> Self:
        """The process that started it."""
        return type(self)(int(self.status("PPid")))

    @property
    def command(self) -> list[str]:
        """Its argument list."""
        return [os.fsdecode(word) for word in Path(f"/proc/{self.pid}/cmdline").read_bytes().split(b"\0")[:-1]]

    @property
    def mounts(self) -> list[list[str]]:
        """The fields of its mountinfo, a list for each mount."""
        return [line.split() for line in Path(f"/proc/{self.pid}/mountinfo").read_text().splitlines()]

    def holds(self, path: str) -> bool:
        """Return whether there is such a file in the root of its mount namespace; a chroot does not change that root.

        A child joins the namespace to look. Only for a process without threads.
        """

        def look() -> int:
            native.setns(theirs.fileno(), CloneFlag.NEWNS)
            return int(not os.path.lexists(f"/{path.lstrip('/')}"))

        with open(f"/proc/{self.pid}/ns/mnt", "rb") as theirs, native.clone(look) as child:  # noqa: PTH123
            return child.wait() == 0

    @property
    def hostname(self) -> str:
        """The host name of its UTS namespace. A child joins it to look. Only for a process without threads."""

        def look() -> None:
            native.setns(theirs.fileno(), CloneFlag.NEWUTS)
            os.write(writer, os.uname().nodename.encode())

        reader, writer = os.pipe()
        try:
            with open(f"/proc/{self.pid}/ns/uts", "rb") as theirs, native.clone(look) as child:  # noqa: PTH123
                looked = child.wait() == 0
            os.close(writer)
            if not looked:
                raise ProcessLookupError(f"process {self.pid}: its host name cannot be looked up")
            return os.read(reader, 256).decode()
        finally:
            os.close(reader)


def descendants(pid: int) -> Iterator[Seen]:
    """Yield all processes below one, as they are now."""
    for child in children(pid):
        yield Seen(child)
        yield from descendants(child)


def children(pid: int) -> list[int]:
    """Return the numbers of a process's children; empty if it is gone."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found
