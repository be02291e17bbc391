"""Ops that write to the kernel through /proc.

They come before the container's root and volumes are mounted, and walk no link and no mount that lies below /proc: what an
image has put there would have another file of the kernel written.
"""

from __future__ import annotations

import os
from functools import cached_property

from labcore import native
from labcore.native import CloneFlag, ConfigCommand, Register, Resolve
from labcore.runtime.ops.base import Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from labcore.native import Step

PROC, FILE = Register(0), Register(1)
OWNERS = (  # of kernel parameters that are not those of an IPC namespace
    ("net/", CloneFlag.NEWNET), ("kernel/hostname", CloneFlag.NEWUTS), ("kernel/domainname", CloneFlag.NEWUTS),
)  # fmt: skip
BELOW_IT = Resolve.BENEATH | Resolve.NO_XDEV | Resolve.NO_MAGICLINKS


def _machines_own() -> list[Step]:
    """Return the steps that open the /proc which the starter has."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    return [native.openat2.step(native.AT_FDCWD, "/proc", flags, resolve=Resolve.NO_SYMLINKS).replace(result=PROC.number)]


def _of_ones_own() -> list[Step]:
    """Return the steps that open a new procfs, mounted nowhere: fsmount(2)."""
    return [
        native.fsopen.step("proc").replace(result=FILE.number),
        native.fsconfig.step(FILE, ConfigCommand.CREATE),
        native.fsmount.step(FILE).replace(result=PROC.number),
        native.close.step(FILE),
    ]


def _written(path: str, text: str, links: Resolve) -> list[Step]:
    flags = os.O_WRONLY | os.O_CLOEXEC
    return [
        native.openat2.step(PROC, path, flags, resolve=BELOW_IT | links).replace(result=FILE.number),
        native.write.step(FILE, text.encode()),
        native.close.step(FILE),
    ]


def in_machines_own_proc(path: str, text: str) -> list[Step]:
    """Return the steps that write to a file of the starter's own /proc; /proc/self is a link."""
    return [*_machines_own(), *_written(path, text, Resolve(0)), native.close.step(PROC)]


class SetSysctls(Op):
    """Set kernel parameters, each a path below /proc/sys with its value: proc_sys(5).

    They are written into a new procfs; or, where `private` is false because none may be mounted, into the starter's own.
    Which namespaces' they are is told by the process that writes, in either.
    """

    values_by_path: tuple[tuple[str, str], ...]
    private: bool = True
    name: ClassVar[str] = "sysctl"
    may_share_memory: ClassVar[bool] = True  # what it writes to are the namespaces' own files, and none of /proc/self

    @cached_property
    def needs(self) -> CloneFlag:  # type: ignore[override]
        """The namespaces that the parameters are of: network_namespaces(7), uts_namespaces(7), ipc_namespaces(7)."""
        needed = CloneFlag(0)
        for path, _ in self.values_by_path:
            needed |= next((flag for prefix, flag in OWNERS if path.startswith(prefix)), CloneFlag.NEWIPC)
        return needed

    @cached_property
    def detail(self) -> str:
        return " ".join(f"{path}={value}" for path, value in self.values_by_path)

    def calls(self) -> Sequence[Step]:
        written = [_written(f"sys/{path}", value, Resolve.NO_SYMLINKS) for path, value in self.values_by_path]
        opened = _of_ones_own() if self.private else _machines_own()
        return [*opened, *(step for steps in written for step in steps), native.close.step(PROC)]


class AdjustOomScore(Op):
    """Say how soon the kernel's OOM killer thinks of this process: proc_pid_oom_score_adj(5). Done by the monitor.

    The child has it from the monitor. It is written before anything is joined, for a container may have a /proc of its own.
    """

    score: int
    name: ClassVar[str] = "oom score"
    before_clone: ClassVar[bool] = True

    def calls(self) -> Sequence[Step]:
        return in_machines_own_proc("self/oom_score_adj", str(self.score))
