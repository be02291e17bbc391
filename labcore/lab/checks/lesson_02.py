"""Checks of lesson 2: limits in the cgroup's files, rights in the process's status."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore import native, procfs
from labcore.lab import cgroups
from labcore.lab.checks.lesson_01 import (
    by_default,
    ended_as_drawn,
    ended_or_failed,
    own_environment,
    own_name,
    own_number,
    own_root,
    run_missing,
    share_everything,
)
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import LOOKED_UP, REFERENCE, Draw, Scenario
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.native import Capability
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.cgroups import Cgroup, hierarchies, settings
from labcore.runtime.ops.fields import ops_of
from labcore.runtime.userns import write_id_maps
from labcore.spec import READONLY_PATHS, ContainerSpec, IdRange, Resources, root_with

PAGE = 1 << 12
FILTERED = "2"  # Seccomp: in proc_pid_status(5)
# Without SETPCAP: who keeps that may drop from the bounding set at any time, and the order of the ops would not matter.
POWERS = ("CHOWN", "FOWNER", "KILL", "NET_RAW", "SETGID", "SETUID", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE")
SECRETS = ("/proc/sys", "/proc/irq", "/proc/fs", "/proc/bus")
IMPOSSIBLE = {"memory": Resources(memory=-5), "pids": Resources(pids=-5)}
LIMITING: tuple[Target, ...] = (settings, Cgroup.apply)
CONFINING: tuple[Target, ...] = (write_id_maps,)


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


def hand_on_capabilities() -> None:
    """Make all capabilities of this process inheritable, as some machines' are: a step must cope with that too."""
    own = [power for power in Capability if int(procfs.status(os.getpid())["CapPrm"], 16) >> power & 1]
    native.capset(effective=own, permitted=own, inheritable=own)


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
    options = {fields[4]: fields[5].split(",") for fields in seen.mounts}
    for path in spec.readonly_paths:
        yield Claim(say("{path} is read-only", path=path), "ro" in options.get(path, ()))
    others = [path for path in READONLY_PATHS if path not in spec.readonly_paths and "ro" in options.get(path, ())]
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


@contextmanager
def a_place_for_cgroups(draw: Draw) -> Iterator[None]:  # noqa: ARG001
    """Make the parent of what `lab.cgroup` makes in a check."""
    with cgroups.for_a_check():
        yield


# --- limits


def _perform_limits(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    spec = draw.spec(draw.waiting()).replace(resources=drawn_resources(draw))
    unlimited = len(ops_of(mine.limits, spec.replace(resources=Resources())))
    kept = [name for name, asked in IMPOSSIBLE.items() if _is_kept(mine, spec.replace(resources=asked))]
    ops_of(mine.limits, spec.replace(resources=Resources(memory=1 << 25)))
    processes = _read(Path(cgroups.group(spec.hostname or "")["pids"], "pids.max"))
    born = ops_of(mine.limits, spec)
    program = ops.Execve(spec.argv, spec.environment, (spec.argv[0],))
    with spawn(Plan([*born, *REFERENCE.namespaces(spec), *REFERENCE.rootfs(spec), program])) as process:
        return {"code": process.wait(), "unlimited": unlimited, "kept": kept, "processes": processes}


def _is_kept(mine: ModuleType, spec: ContainerSpec) -> bool:
    """Return whether the step says nothing of a limit that the kernel refuses."""
    try:
        mine.limits(spec)
    except Exception:
        return False
    return True


def _conclude_limits(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from ended_as_drawn(returned["code"], draw)
    found = returned["unlimited"]
    yield Claim(say("for `Resources()` there is no op, for nothing is asked for"), found == 0, str(found))
    found = returned["processes"]
    yield Claim(say("and without `pids` no limit on processes"), found == "max", f"pids.max: {found}")
    kept = " ".join(returned["kept"])
    yield Claim(say("a limit that the kernel refuses is an error, not passed over in silence"), not kept, kept)


def _observe_limits(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from limited(seen, draw)


# --- confine


def _perform_confine(mine: ModuleType, draw: Draw) -> int:
    share_everything()
    hand_on_capabilities()
    spec = drawn_spec(draw)
    box = [*REFERENCE.namespaces(spec), *REFERENCE.rootfs(spec)]
    program = ops.Execve(spec.argv, spec.environment, (spec.argv[0],))
    with spawn(Plan([*box, *ops_of(mine.confine, spec), program])) as process:
        return process.wait()


def _observe_confine(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from confined_as_drawn(seen, drawn_spec(draw))


# --- run


def further_fields(draw: Draw) -> dict[str, Any]:
    """Return what a `run` is given besides: limits, rights, and a PATH of its own."""
    spec = drawn_spec(draw)
    more = {name: getattr(spec, name) for name in ("capabilities", "uid_map", "gid_map", "readonly_paths")}
    return {**more, "resources": drawn_resources(draw), "environment": own_path(draw)}


def own_path(draw: Draw) -> tuple[str, ...]:
    """Return an environment with a PATH in which `ash` is found, and nowhere else."""
    return (f"TOKEN={draw.token}", "PATH=/srv:/bin")


def found_in_path(draw: Draw) -> tuple[str, ...]:
    """A program that waits at the gate; it is in no directory of the usual PATH."""
    return (LOOKED_UP, *draw.waiting()[1:])


def _perform_run(mine: ModuleType, draw: Draw) -> Any:
    share_everything()
    hand_on_capabilities()
    name = () if draw.again else (draw.hostname,)
    code = mine.run(draw.root, list(found_in_path(draw)), *name, **further_fields(draw))
    return {"code": code, "missing": run_missing(mine, draw, draw.root)}


def _observe_run(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    draw = by_default(draw)
    yield own_number(seen)
    yield from own_name(seen, draw)
    yield from own_root(seen, draw)
    yield from limited(seen, draw)
    yield from confined_as_drawn(seen, drawn_spec(draw))
    yield from own_environment(seen, own_path(draw))


LIMITED = Scenario(
    _perform_limits,
    _observe_limits,
    _conclude_limits,
    Draw.waiting,
    twice=True,
    prepare=a_place_for_cgroups,
    forbidden=LIMITING,
)
SCENARIOS = {
    "limits": LIMITED,
    "confine": LIMITED.replace(
        perform=_perform_confine, observe=_observe_confine, conclude=ended_as_drawn, forbidden=CONFINING
    ),
    "run": LIMITED.replace(
        perform=_perform_run, observe=_observe_run, conclude=ended_or_failed, argv=found_in_path, forbidden=LIMITING + CONFINING
    ),
}
