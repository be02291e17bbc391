"""Process view: a container's process seen from outside, proc(5), namespaces(7)."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from labcore import native, procfs
from labcore.native import CloneFlag
from labcore.procfs import NAMESPACE_FILES
from labcore.record import Record

MOST = 1 << 12  # bytes that are carried out of a namespace: they fit a pipe
# a kind of namespace, as specs name it -> its file in /proc/PID/ns


class MountView(Record):
    """A mount of a process's namespace: proc_pid_mountinfo(5). One without a type is none."""

    point: str
    fstype: str = ""
    options: tuple[str, ...] = ()  # of the mount
    propagation: tuple[str, ...] = ()  # shared:N, master:N
    data: tuple[str, ...] = ()  # the options of its file system

    @classmethod
    def of(cls, line: str) -> Self:
        """Read a line of mountinfo."""
        fields = line.split(" ")
        end = fields.index("-", 6)
        return cls(fields[4], fields[end + 1], tuple(fields[5].split(",")), tuple(fields[6:end]), tuple(fields[-1].split(",")))

    def value(self, option: str) -> str:
        """Return what stands behind `option=` among the options of its file system; empty if it is not there."""
        return next((each.removeprefix(f"{option}=") for each in self.data if each.startswith(f"{option}=")), "")


class ProcessView(Record):
    """A process by its PID outside."""

    pid: int

    def namespace(self, kind: str) -> str:
        """Return the identity of the namespace that it is in."""
        return f"{NAMESPACE_FILES[kind]}:[{procfs.namespace(self.pid, NAMESPACE_FILES[kind])}]"

    @property
    def numbers(self) -> list[int]:
        """Its numbers, from the outermost PID namespace to its own (NSpid)."""
        return procfs.ns_pids(self.pid)

    def status(self, field: str) -> str:
        """Return a field of its status file."""
        return procfs.status(self.pid)[field]

    @property
    def parent(self) -> Self:
        """The process that started it."""
        return type(self)(procfs.parent(self.pid))

    @property
    def command(self) -> list[str]:
        """Its argument list."""
        return [os.fsdecode(word) for word in Path(f"/proc/{self.pid}/cmdline").read_bytes().split(b"\0")[:-1]]

    @property
    def environment(self) -> list[str]:
        """The environment that it began with."""
        return [os.fsdecode(word) for word in Path(f"/proc/{self.pid}/environ").read_bytes().split(b"\0")[:-1]]

    @property
    def mounts(self) -> list[MountView]:
        """The mounts of its namespace, those that lie on others behind them."""
        return [MountView.of(line) for line in Path(f"/proc/{self.pid}/mountinfo").read_text(encoding="utf-8").splitlines()]

    def mount(self, point: str) -> MountView:
        """Return what is mounted there, the topmost; one without a type if nothing is."""
        return next((mount for mount in reversed(self.mounts) if mount.point == point), MountView(point))

    def holds(self, path: str) -> bool:
        """Return whether there is such a file in the root of its mount namespace; a chroot does not change that root.

        A child joins the namespace to look. Only for a process without threads.
        """

        def look() -> int:
            native.setns(theirs.fileno(), CloneFlag.NEWNS)
            return int(not os.path.lexists(f"/{path.lstrip('/')}"))

        with open(f"/proc/{self.pid}/ns/mnt", "rb") as theirs, native.clone(look) as child:  # noqa: PTH123
            return child.wait() == 0

    def text(self, path: str) -> str | None:
        """Return what a file in the root of its mount namespace holds; None if there is none. As `holds`, without threads."""
        return self._from_inside(CloneFlag.NEWNS, "mnt", lambda: Path("/", path.lstrip("/")).read_text(encoding="utf-8"))

    @property
    def hostname(self) -> str:
        """The host name of its UTS namespace. Only for a process without threads."""
        name = self._from_inside(CloneFlag.NEWUTS, "uts", lambda: os.uname().nodename)
        if name is None:
            raise ProcessLookupError(f"process {self.pid}: its host name cannot be looked up")
        return name

    def _from_inside(self, flag: CloneFlag, file: str, look: Callable[[], str]) -> str | None:
        """Return what a child finds that has joined one of its namespaces; None if that fails."""

        def join_and_look() -> int:
            native.setns(theirs.fileno(), flag)
            with suppress(OSError, ValueError):
                os.write(writer, look().encode()[:MOST])
                return 0
            return 1

        reader, writer = os.pipe()
        try:
            with open(f"/proc/{self.pid}/ns/{file}", "rb") as theirs, native.clone(join_and_look) as child:  # noqa: PTH123
                looked = child.wait() == 0
            os.close(writer)
            return os.read(reader, MOST).decode() if looked else None
        finally:
            os.close(reader)


def descendants(pid: int) -> Iterator[ProcessView]:
    """Yield all processes below one, as they are now."""
    yield from map(ProcessView, procfs.descendants(pid))
