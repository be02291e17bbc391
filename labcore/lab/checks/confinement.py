"""Claims about what a container may do: its limits, in the cgroup's files; its rights and ids, in the process's status."""

import random
from collections.abc import Iterator
from pathlib import Path

from labcore.lab import cgroups
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import Draw
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.native import Capability
from labcore.runtime.cgroups import hierarchies
from labcore.spec import READONLY_PATHS, ContainerSpec, IdRange, Resources, root_with

PAGE = 1 << 12
FILTERED = "2"  # Seccomp: in proc_pid_status(5)
# Without SETPCAP: who keeps that may drop from the bounding set at any time, and the order of the ops would not matter.
POWERS = ("CHOWN", "FOWNER", "KILL", "NET_RAW", "SETGID", "SETUID", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE")
SECRETS = ("/proc/sys", "/proc/irq", "/proc/fs", "/proc/bus")


def drawn_resources(draw: Draw) -> Resources:
    """Return what was drawn; the second time there is no limit on memory."""
    return Resources(memory=None if draw.again else draw.number << 16, pids=draw.number % 23 + 9 + 31 * draw.again)


def drawn_spec(draw: Draw) -> ContainerSpec:
    """Return a spec with rights that were drawn; the second time with others, and without a user namespace."""
    lots = random.Random(draw.number + draw.again)
    return draw.spec(draw.waiting()).replace(
        capabilities=root_with(tuple(lots.sample(POWERS, 4))),
        uid_map=() if draw.again else _two_ranges(100_000 + draw.number * 8),
        gid_map=() if draw.again else _two_ranges(400_000 + draw.number * 16),
        readonly_paths=tuple(lots.sample(SECRETS, 2)),
    )


def _two_ranges(outside: int) -> tuple[IdRange, ...]:
    first = IdRange(inside=0, outside=outside, size=1000)
    return first, IdRange(inside=1000, outside=outside + 200_000, size=(1 << 16) - 1000)


def cgroup_of(seen: ProcessView, controller: str) -> Path:
    """Return the directory of the cgroup that a process is in: proc_pid_cgroup(5)."""
    v1 = dict(hierarchies().v1)
    for line in Path(f"/proc/{seen.pid}/cgroup").read_text(encoding="utf-8").splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(",") or (controller not in v1 and not names):
            return Path(f"{v1.get(controller) or hierarchies().v2}{path}")
    raise LookupError(controller)


def limited(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    """The limits that were drawn, in the files of the cgroup that it is in."""
    wanted = drawn_resources(draw)
    pids, memory = cgroup_of(seen, "pids"), cgroup_of(seen, "memory")
    own = pids != cgroup_of(_starter(seen), "pids")
    yield Claim(say("it was born in a cgroup of its own"), own and pids.name == draw.hostname, str(pids))
    yield equal(say("most processes in its cgroup (pids.max)"), str(wanted.pids), setting(pids / "pids.max"))
    found = setting(memory / cgroups.memory_max())
    if wanted.memory is None:
        unlimited = not found.isdigit() or int(found) > 1 << 40
        yield Claim(say("its memory has no limit of its own, for the spec asks for none"), unlimited, found)
    else:
        right = found.isdigit() and abs(int(found) - wanted.memory) < PAGE
        text = say("bytes of memory that its cgroup allows ({file})", file=cgroups.memory_max())
        yield Claim(text, right, expected=str(wanted.memory), seen=found)


def _starter(seen: ProcessView) -> ProcessView:
    """Return the process that has asked for this one: a monitor in between has entered the cgroup for it."""
    parent = seen.parent
    return parent.parent if any("labcore-monitor" in word for word in parent.command[:1]) else parent


def setting(path: Path) -> str:
    """Return what a file of a cgroup holds; `-` for the root of a hierarchy, which has no such file."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return "-"


def _mask(names: tuple[str, ...]) -> int:
    return sum(1 << Capability[name] for name in names)


def _held(mask: int) -> str:
    names = [power.name.lower() for power in Capability if mask >> power & 1]
    return " ".join(names if len(names) < 10 else [*names[:3], "…", say("{n} in all", n=len(names))])


def confined_as_drawn(seen: ProcessView, spec: ContainerSpec) -> Iterator[Claim]:
    """The rights that were drawn, in the process's status."""
    for field, words, names in (
        ("CapEff", say("what it may do now"), spec.capabilities.effective),
        ("CapPrm", say("what it could claim"), spec.capabilities.permitted),
        ("CapBnd", say("what it can ever gain"), spec.capabilities.bounding),
        ("CapInh", say("what it hands on to programs"), spec.capabilities.inheritable),
    ):
        found = int(seen.status(field), 16)
        text = say("{words}: the capabilities that were asked for, no other", words=words)
        yield Claim(text, found == _mask(names), expected=_held(_mask(names)), seen=_held(found))
    filtered = seen.status("Seccomp") == FILTERED
    yield Claim(say("a filter looks at its system calls"), filtered, say("none"))
    yield from _mapped(seen, spec)
    for path in spec.readonly_paths:
        yield Claim(say("{path} is read-only", path=path), "ro" in seen.mount(path).options)
    others = [path for path in READONLY_PATHS if path not in spec.readonly_paths and "ro" in seen.mount(path).options]
    yield Claim(say("and no path is that the spec does not name"), not others, " ".join(others))


def _mapped(seen: ProcessView, spec: ContainerSpec) -> Iterator[Claim]:
    if not spec.uid_map:
        same = seen.namespace("user") == seen.parent.namespace("user")
        yield Claim(say("no user namespace, for the spec does not ask for one"), same)
        return
    for file, ranges in (("uid_map", spec.uid_map), ("gid_map", spec.gid_map)):
        lines = Path(f"/proc/{seen.pid}/{file}").read_text(encoding="utf-8").splitlines()
        wanted = "; ".join(f"{ids.inside} {ids.outside} {ids.size}" for ids in ranges)
        yield equal(
            say("{file}: inside, outside, how many", file=file), wanted, "; ".join(" ".join(line.split()) for line in lines)
        )
    for field, text, (ids, *_) in (
        ("Uid", say("the user outside that root inside is"), spec.uid_map),
        ("Gid", say("the group outside that root's inside is"), spec.gid_map),
    ):
        yield equal(text, str(ids.outside), seen.status(field).split()[0])
