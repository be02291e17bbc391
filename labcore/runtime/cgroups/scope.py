"""A scope: a cgroup that systemd makes and watches, and leaves to us with all below it (systemd.scope(5), `Delegate=`).

On a machine with systemd, podman and dockerd ask for one by `SLICE:PREFIX:NAME`, where they would name a path otherwise. It is
had by systemd's own `busctl`. Systemd keeps the main limits, too: they survive when it puts its cgroups in order anew.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from labcore.errors import InvalidInput, Unavailable
from labcore.record import Record
from labcore.runtime.cgroups.group import Cgroup
from labcore.runtime.cgroups.hierarchy import hierarchies
from labcore.runtime.cgroups.settings import DEFAULT_PERIOD, weight_of
from labcore.runtime.probe import confined
from labcore.spec.resources import Resources

MANAGER: Final = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
RUNS: Final = Path("/run/systemd/system")  # sd_booted(3)
SECONDS: Final = 30.0
CURE: Final = "  cure: podman --cgroup-manager cgroupfs, dockerd --exec-opt native.cgroupdriver=cgroupfs"
INFINITY: Final = (1 << 64) - 1
UNIT_MAX: Final = 255

Property = tuple[str, ...]  # its name, its type in D-Bus' letters, and its value, as busctl(1) takes them


class Scope(Record):
    """A scope's unit, and the slice that it is to be in."""

    slice: str
    unit: str

    @classmethod
    def parse(cls, text: str, container: str) -> "Scope":
        """Read `SLICE:PREFIX:NAME`, as cgroupsPath says it; without one it is the container's. Raises InvalidInput."""
        parts = (text or f"{'user' if _is_a_users() else 'system'}.slice:labcore:{container}").split(":")
        if len(parts) != 3 or not parts[2]:
            raise InvalidInput(f"linux.cgroupsPath: for systemd SLICE:PREFIX:NAME is wanted, and this is {text!r}")
        slice, prefix, name = parts
        made = cls(slice or "system.slice", f"{prefix}-{name}.scope" if prefix else f"{name}.scope")
        if not made.slice.endswith(".slice") or any("/" in part or len(part) > UNIT_MAX for part in (made.slice, made.unit)):
            raise InvalidInput(f"linux.cgroupsPath: {text!r} names no slice and scope that systemd could have")
        return made

    @contextmanager
    def begun(self, limits: Resources) -> Iterator[Cgroup]:
        """Have systemd make it; yield its cgroup. A process of ours holds it until the block ends: an empty one goes by itself.

        Raises Unavailable if there is no systemd, or it does not want to.
        """
        if not RUNS.is_dir():
            raise Unavailable(f"--systemd-cgroup: no systemd runs here\n{CURE}")
        if hierarchies().v1:
            raise Unavailable(f"--systemd-cgroup: systemd's cgroups are of version 1 here\n{CURE}")
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as holder:  # it ends when we do
            wanted: list[Property] = [
                ("Description", "s", f"container {self.unit.removesuffix('.scope')}"),
                ("Slice", "s", self.slice),
                ("PIDs", "au", "1", str(holder.pid)),
                ("Delegate", "b", "true"),
                ("DefaultDependencies", "b", "false"),
                ("CollectMode", "s", "inactive-or-failed"),  # the name of one that ended badly can be had again
                *properties(limits),
            ]
            words = [word for each in wanted for word in each]
            _call("StartTransientUnit", "ssa(sv)a(sa(sv))", self.unit, "replace", str(len(wanted)), *words, "0")
            yield Cgroup(self._path_of(holder.pid))

    def _path_of(self, pid: int) -> str:
        """Return where systemd has put a process, once it has."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            path = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").strip().removeprefix("0::")
            if path.endswith(f"/{self.unit}"):
                return path
            time.sleep(0.002)
        raise Unavailable(f"systemd has not made the scope {self.unit} within {SECONDS:g} s")


def change(cgroup: Cgroup, limits: Resources) -> None:
    """Tell systemd of new limits, if the cgroup is a scope of its. Raises Unavailable."""
    unit = os.path.basename(cgroup.path)
    changed = properties(limits)
    if unit.endswith(".scope") and RUNS.is_dir() and changed:
        words = [word for each in changed for word in each]
        _call("SetUnitProperties", "sba(sv)", unit, "true", str(len(changed)), *words)


def properties(limits: Resources) -> list[Property]:
    """Return the limits that systemd keeps too, in its words (org.freedesktop.systemd1(5)); -1 is no limit."""
    found: list[Property] = []

    def number(name: str, value: int | None) -> None:
        if value:
            found.append((name, "t", str(INFINITY if value < 0 else value)))

    number("MemoryMax", limits.memory)
    number("MemoryLow", limits.reservation)
    number("TasksMax", limits.pids)
    number("CPUWeight", limits.cpu_shares and weight_of(limits.cpu_shares))
    if limits.cpu_quota:
        per_second = limits.cpu_quota * 1_000_000 // (limits.cpu_period or DEFAULT_PERIOD)
        number("CPUQuotaPerSecUSec", max(per_second, 1) if limits.cpu_quota > 0 else -1)
    return found


def _is_a_users() -> bool:
    """Is it the systemd of an ordinary user's session that has to be asked?"""
    return bool(os.geteuid()) or confined()


def _call(method: str, signature: str, *words: str) -> None:
    bus = "--user" if _is_a_users() else "--system"
    command = ["busctl", bus, "--quiet", f"--timeout={SECONDS:g}", "--", "call", *MANAGER, method, signature, *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise Unavailable("busctl is not installed, by which systemd is asked\n  cure: apt-get install systemd") from None
    if done.returncode:
        raise Unavailable(f"systemd refuses {method} of {words[0]}: {done.stderr.strip()}")
