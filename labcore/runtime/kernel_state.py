"""Kernel state of a process, as /proc/PID shows it, and what is different between two of them: proc(5).

Some of what a start does is not to be seen there: another process's host name, its sysctls, its death signal.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from labcore import procfs
from labcore.native import Capability
from labcore.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STATUS = {
    "Uid": "user ids",
    "Gid": "group ids",
    "Groups": "groups",
    "Umask": "umask",
    "NoNewPrivs": "no new privileges",
    "Seccomp": "seccomp mode",
    "Cpus_allowed_list": "processors",
}
CAPABILITIES = {
    "CapInh": "inheritable",
    "CapPrm": "permitted",
    "CapEff": "effective",
    "CapBnd": "bounding",
    "CapAmb": "ambient",
}
FILES = {"uid_map": "user map", "gid_map": "group map", "oom_score_adj": "oom score", "sessionid": "audit session"}
LINKS = {"cwd": "cwd", "root": "root"}


class KernelState(Record):
    """What the kernel has for a process, as texts by kind and name: `("namespace", "mnt")`, `("mount", "/proc")`."""

    items: Mapping[tuple[str, str], str]

    def of(self, kind: str) -> dict[str, str]:
        """Return the items of one kind: namespace, mount, ids, capabilities, path, cgroup, limit."""
        return {name: text for (found, name), text in self.items.items() if found == kind}


class Change(Record):
    """An item that has become another: `before` is empty if it is new, `after` if it has gone."""

    kind: str
    name: str
    before: str
    after: str

    def __str__(self) -> str:
        what = f"{self.kind} {self.name}"
        if not self.before:
            return f"+ {what}: {self.after}"
        return f"- {what}" if not self.after else f"~ {what}: {_difference(self.kind, self.before, self.after)}"


def state_of(pid: int | str) -> KernelState:
    """Return the state of a process, or of "self". What may not be read, or this kernel has not, is left out."""
    return KernelState({(kind, name): text for kind, name, text in _items(Path(f"/proc/{pid}"))})


def changes(before: KernelState, after: KernelState) -> tuple[Change, ...]:
    """Return what is different in the state after, in its order; then what has gone."""
    found = [(key, before.items.get(key, ""), text) for key, text in after.items.items()]
    gone = [(key, text, "") for key, text in before.items.items() if key not in after.items]
    return tuple(Change(*key, old, new) for key, old, new in (*found, *gone) if old != new)


def _items(directory: Path) -> Iterator[tuple[str, str, str]]:
    for kind in procfs.KINDS:
        yield from _link(directory / "ns" / kind, "namespace", kind)
    for name, shown in LINKS.items():
        yield from _link(directory / name, "path", shown)
    yield from _mounts(_read(directory / "mountinfo"))
    status = procfs.parse_status(_read(directory / "status"))
    yield from (("ids", shown, status[name]) for name, shown in STATUS.items() if name in status)
    for name, shown in CAPABILITIES.items():
        if name in status:
            yield "capabilities", shown, _capabilities(int(status[name], 16))
    for name, shown in FILES.items():
        if text := _read(directory / name):
            yield "ids", shown, ", ".join(" ".join(line.split()) for line in text.splitlines())
    if fields := _read(directory / "stat").rpartition(")")[2].split():
        yield "ids", "session", fields[3]
    for line in _read(directory / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        yield "cgroup", controllers or "of version 2", path
    for line in _read(directory / "limits").splitlines()[1:]:
        yield "limit", line[:26].strip(), " ".join(line[26:].split())


def _link(path: Path, kind: str, name: str) -> Iterator[tuple[str, str, str]]:
    try:
        yield kind, name, os.readlink(path)
    except OSError:  # not readable for us, or no such namespace in this kernel
        return


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not readable for us, or no such file in this kernel
        return ""


def _mounts(mountinfo: str) -> Iterator[tuple[str, str, str]]:
    """Yield the mounts, each by its place and, where several lie on one another there, their number from below."""
    count: dict[str, int] = {}
    for line in mountinfo.splitlines():
        mount, _, file_system = line.partition(" - ")
        _, _, _, root, place, options, *propagation = mount.split(" ")
        count[place] = count.get(place, 0) + 1
        name = place if count[place] == 1 else f"{place} ({count[place]})"
        kinds = file_system.split(" ")
        source = f" {root}" if root != "/" else ""
        yield "mount", name, f"{kinds[0]}{source} {options} {' '.join(_kinds(propagation)) or 'private'}"


def _kinds(propagation: list[str]) -> list[str]:
    """Return how mounts are propagated, without the numbers of their peer groups."""
    return sorted({each.partition(":")[0] for each in propagation})


def _capabilities(bits: int) -> str:
    names = [capability.name.lower() for capability in Capability if bits >> capability & 1 and capability.name]
    return " ".join(names) if names else "none"


def _difference(kind: str, before: str, after: str) -> str:
    """Return one text, and what has become of it; of sets the words that came and went."""
    if kind != "capabilities":
        return f"{before} → {after}"
    old, new = set(before.split()) - {"none"}, set(after.split()) - {"none"}
    if not new:
        return "none any more"
    lost, won = sorted(old - new), sorted(new - old)
    kept = f"{len(new)} left" if lost else ""
    return ", ".join(filter(None, (kept, f"without {' '.join(lost)}" if lost else "", f"with {' '.join(won)}" if won else "")))
