"""Checks of lesson 2: limits, confine, run."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore.lab import cgroups
from labcore.lab.checks.confinement import confined_as_drawn, drawn_resources, drawn_spec, limited, setting
from labcore.lab.checks.containers import ended_as_drawn, own_number
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.running import by_default, call_run, ended_or_failed, further_fields, looked_up, own_path, run_as_drawn
from labcore.lab.checks.scenario import REFERENCE, Draw, Scenario, carry_out
from labcore.lab.checks.surroundings import hand_on_capabilities, share_mounts
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say
from labcore.runtime.cgroups import Cgroup, settings
from labcore.runtime.ops.fields import ops_of
from labcore.runtime.userns import write_id_maps
from labcore.spec import ContainerSpec, Resources

IMPOSSIBLE = {"memory": Resources(memory=-5), "pids": Resources(pids=-5)}


# --- limits


def _perform_limits(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    spec = draw.spec(draw.waiting(), resources=drawn_resources(draw))
    unlimited = len(ops_of(mine.limits, spec.replace(resources=Resources())))
    kept = [name for name, asked in IMPOSSIBLE.items() if _is_kept(mine, spec.replace(resources=asked))]
    ops_of(mine.limits, spec.replace(resources=Resources(memory=1 << 25)))
    processes = setting(Path(cgroups.group(draw.hostname)["pids"], "pids.max"))
    code = carry_out(spec, mine.limits, REFERENCE.namespaces, REFERENCE.rootfs)
    return {"code": code, "unlimited": unlimited, "kept": kept, "processes": processes}


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
    share_mounts()
    hand_on_capabilities()
    return carry_out(drawn_spec(draw), REFERENCE.namespaces, REFERENCE.rootfs, mine.confine)


def _observe_confine(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from confined_as_drawn(seen, drawn_spec(draw))


# --- run


def _program(draw: Draw) -> tuple[str, ...]:
    return looked_up(draw.waiting())


def _perform_run(mine: ModuleType, draw: Draw) -> Any:
    hand_on_capabilities()
    return call_run(mine, draw, draw.root, _program(draw), **further_fields(draw))


def _observe_run(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield from run_as_drawn(seen, draw, own_path(draw))
    yield from limited(seen, by_default(draw))
    yield from confined_as_drawn(seen, drawn_spec(draw))


LIMITING: tuple[Target, ...] = (settings, Cgroup.apply)
CONFINING: tuple[Target, ...] = (write_id_maps,)
LIMITED = Scenario(
    _perform_limits,
    _observe_limits,
    _conclude_limits,
    Draw.waiting,
    twice=True,
    prepare=lambda _: cgroups.for_a_check(),
    forbidden=LIMITING,
)
SCENARIOS = {
    "limits": LIMITED,
    "confine": LIMITED.replace(
        perform=_perform_confine, observe=_observe_confine, conclude=ended_as_drawn, forbidden=CONFINING
    ),
    "run": LIMITED.replace(
        perform=_perform_run, observe=_observe_run, conclude=ended_or_failed, argv=_program, forbidden=LIMITING + CONFINING
    ),
}
