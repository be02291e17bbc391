"""Checks of lesson 2: limits in the cgroup's files, rights in the process's status."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore.lab import cgroups
from labcore.lab.checks.lesson_01 import ended_as_drawn, own_name, own_number, own_root, share_everything
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import REFERENCE, Draw, Scenario
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.native import Capability
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.cgroups import Cgroup, hierarchies, settings
from labcore.runtime.ops.fields import ops_of
from labcore.runtime.userns import write_id_maps
from labcore.spec import ContainerSpec, IdRange, Resources, root_with

PAGE = 1 << 12
FILTERED = "2"  # Seccomp: in proc_pid_status(5)
POWERS = ("CHOWN", "FOWNER", "KILL", "NET_RAW", "SETGID", "SETUID", "SETPCAP", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE")
SECRETS = ("/proc/sys", "/proc/irq", "/proc/fs", "/proc/bus")
LIMITING: tuple[Target, ...] = (settings, Cgroup.apply)
CONFINING: tuple[Target, ...] = (write_id_maps,)


def drawn_resources(draw: Draw) -> Resources:
    """Return what was drawn; the second time there is no limit on memory."""
    return Resources(memory=None if draw.again else draw.number << 16, pids=draw.number % 23 + 9 + 31 * draw.again)


def drawn_spec(draw: Draw) -> ContainerSpec:
    """Return a spec with rights that were drawn; the second time with others, and without a user namespace."""
    lots = random.Random(draw.number + draw.again)
    mapped = () if draw.again else (IdRange(inside=0, outside=100_000 + draw.number * 8, size=1 << 16),)
    return draw.spec(draw.waiting()).replace(
        capabilities=root_with(tuple(lots.sample(POWERS, 4))),
        uid_map=mapped,
        gid_map=mapped,
        readonly_paths=tuple(lots.sample(SECRETS, 2)),
    )


# --- what is seen


def _cgroup_of(seen: ProcessView, controller: str) -> Path:
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
    pids, memory = _cgroup_of(seen, "pids"), _cgroup_of(seen, "memory")
    own = pids != _cgroup_of(_starter(seen), "pids")
    yield Claim(say("it was born in a cgroup of its own"), own and pids.name == draw.hostname, str(pids))
    yield equal(say("most processes in its cgroup (pids.max)"), str(wanted.pids), _read(pids / "pids.max"))
    found = _read(memory / cgroups.memory_max())
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


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:  # the root of a hierarchy has no such file
        return "-"


def _mask(names: tuple[str, ...]) -> int:
    return sum(1 << Capability[name] for name in names)


def _held(mask: int) -> str:
    names = [power.name.lower() for power in Capability if mask >> power & 1]
    return " ".join(names if len(names) < 10 else [*names[:3], "…", say("{n} in all", n=len(names))])


def confined_as_drawn(seen: ProcessView, spec: ContainerSpec) -> Iterator[Claim]:
    """The rights that were drawn, in the process's status."""
    wanted = _mask(spec.capabilities.effective)
    sets = {"CapEff": say("what it may do now"), "CapPrm": say("what it could claim"), "CapBnd": say("what it can ever gain")}
    for field, words in sets.items():
        found = int(seen.status(field), 16)
        text = say("{words}: the capabilities that were asked for, no other", words=words)
        yield Claim(text, found == wanted, expected=_held(wanted), seen=_held(found))
    filtered = seen.status("Seccomp") == FILTERED
    yield Claim(say("a filter looks at its system calls"), filtered, say("none"))
    yield from _mapped(seen, spec)
    options = {fields[4]: fields[5].split(",") for fields in seen.mounts}
    for path in spec.readonly_paths:
        yield Claim(say("{path} is read-only", path=path), "ro" in options.get(path, ()))


def _mapped(seen: ProcessView, spec: ContainerSpec) -> Iterator[Claim]:
    if not spec.uid_map:
        same = seen.namespace("user") == seen.parent.namespace("user")
        yield Claim(say("no user namespace, for the spec does not ask for one"), same)
        return
    (ids,) = spec.uid_map
    for file in ("uid_map", "gid_map"):
        found = Path(f"/proc/{seen.pid}/{file}").read_text(encoding="utf-8").split()
        wanted = f"{ids.inside} {ids.outside} {ids.size}"
        yield equal(say("{file}: inside, outside, how many", file=file), wanted, " ".join(found))
    yield equal(say("the user outside that root inside is"), str(ids.outside), seen.status("Uid").split()[0])


@contextmanager
def _a_place(draw: Draw) -> Iterator[None]:  # noqa: ARG001
    with cgroups.for_a_check():
        yield


# --- limits


def _perform_limits(mine: ModuleType, draw: Draw) -> int:
    spec = draw.spec(draw.waiting()).replace(resources=drawn_resources(draw))
    born = ops_of(mine.limits, spec)
    program = ops.Execve(spec.argv, spec.environment, (spec.argv[0],))
    with spawn(Plan([*born, *REFERENCE.namespaces(spec), *REFERENCE.rootfs(spec), program])) as process:
        return process.wait()


def _observe_limits(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from limited(seen, draw)


# --- confine


def _perform_confine(mine: ModuleType, draw: Draw) -> int:
    share_everything()
    spec = drawn_spec(draw)
    box = [*REFERENCE.namespaces(spec), *REFERENCE.rootfs(spec)]
    program = ops.Execve(spec.argv, spec.environment, (spec.argv[0],))
    with spawn(Plan([*box, *ops_of(mine.confine, spec), program])) as process:
        return process.wait()


def _observe_confine(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from confined_as_drawn(seen, drawn_spec(draw))


# --- run


def _perform_run(mine: ModuleType, draw: Draw) -> Any:
    share_everything()
    spec = drawn_spec(draw)
    more = {name: getattr(spec, name) for name in ("capabilities", "uid_map", "gid_map", "readonly_paths")}
    return mine.run(draw.root, list(draw.waiting()), draw.hostname, resources=drawn_resources(draw), **more)


def _observe_run(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from own_name(seen, draw)
    yield from own_root(seen, draw)
    yield from limited(seen, draw)
    yield from confined_as_drawn(seen, drawn_spec(draw))


def _scenario(perform: Any, observe: Any, forbidden: tuple[Target, ...]) -> Scenario:
    return Scenario(
        perform, observe, ended_as_drawn, Draw.waiting, twice=True, prepare=_a_place, forbidden=forbidden
    )  # fmt: skip


SCENARIOS = {
    "limits": _scenario(_perform_limits, _observe_limits, LIMITING),
    "confine": _scenario(_perform_confine, _observe_confine, CONFINING),
    "run": _scenario(_perform_run, _observe_run, LIMITING + CONFINING),
}
