"""Checks of `start`, `pause` and `unpause`: which cgroup a container's processes are in, and whether that is frozen."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from labcore import procfs
from labcore.lab import cgroups
from labcore.lab.checks.lesson_07.guests import (
    API,
    NOBODY,
    created,
    family,
    first_process,
    freezer_of,
    freezers,
    is_frozen,
    is_told_to_freeze,
    program,
    served,
    started,
    status,
    unknown,
)
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim
from labcore.lab.checks.wire import Wire
from labcore.lab.messages import say
from labcore.runtime.cgroups import Cgroup, removal

FAMILY: Final = 3  # processes of the steady program
FREEZING: tuple[Target, ...] = (Cgroup.freeze, Cgroup.thaw, removal.freeze, removal.thaw)


def nothing_more(_returned: Any, _draw: Draw) -> Iterator[Claim]:
    """All has been asked over the wire."""
    yield from ()


# --- start


def _converse_start(wire: Wire, draw: Draw) -> Iterator[Claim]:
    programs = [program(draw, name) for name in ("first", "second")]
    ids = [created(wire, argv, name) for argv, name in zip(programs, ("", draw.mark), strict=True)]
    for id in (ids[0], draw.mark):  # by its id, and by its name
        yield status(wire.ask("POST", f"{API}/containers/{id}/start"), 204)
    for id, argv in zip(ids, programs, strict=True):
        container = wire.until(partial(first_process, wire, argv))
        yield Claim(say("the program that was asked for runs, process 1 of its PID namespace"), container is not None)
        if container is None:
            return
        yield from _in_own_cgroup(container, id)
        yield from _by_the_runtime(wire, argv, freezer_of(container))
    yield unknown(wire, "POST", f"/containers/{NOBODY}/start")


def _in_own_cgroup(container: ProcessView, id: str) -> Iterator[Claim]:
    group = freezer_of(container)
    named = say("it is in a cgroup of its own, named by the first 12 digits of its id")
    yield Claim(named, group.name == id[:12], str(group))
    outside = [each for each in family(container) if freezer_of(each) != group]
    yield Claim(say("and so are all processes that it has started"), not outside, str(len(outside)))


def _by_the_runtime(wire: Wire, argv: list[str], group: Path) -> Iterator[Claim]:
    """The command that the daemon was given, with `run`, the image and the program; the daemon is not in there with it."""
    wanted = ["run", "busybox", *argv]
    runtime = next((each for each in wire.below if each.command[-len(wanted) :] == wanted), None)
    yield Claim(say("it was started by `daemon.runtime`, with `run`, the image and the program behind it"), runtime is not None)
    if runtime:
        yield Claim(say("the daemon itself is not in that cgroup: it could not thaw it"), freezer_of(runtime.parent) != group)


START = Scenario(
    served("start"),
    None,
    nothing_more,
    None,
    prepare=lambda _: cgroups.for_a_check(),
    converse=_converse_start,
    seconds=15.0,
)


# --- pause, unpause


def _converse_pause(wire: Wire, draw: Draw) -> Iterator[Claim]:
    (id, container), (_, other) = (started(wire, draw, name) for name in ("first", "second"))
    with freezers(container, other) as (group, others):
        yield status(wire.ask("POST", f"{API}/containers/{id}/pause"), 204)
        held = wire.until(lambda: is_frozen(group), 1.0)
        yield Claim(say("all processes of the container are frozen, by their cgroup"), held)
        stopped = [each.status("State") for each in family(container) if each.status("State").startswith("T")]
        yield Claim(say("none of them by a signal, which it could notice"), not stopped, " ".join(stopped[:1]))
        yield Claim(say("another container goes on"), not is_told_to_freeze(others))
    yield unknown(wire, "POST", f"/containers/{NOBODY}/pause")


def _converse_unpause(wire: Wire, draw: Draw) -> Iterator[Claim]:
    (id, container), (other_id, other) = (started(wire, draw, name) for name in ("first", "second"))
    with freezers(container, other) as (group, others):
        for each in (id, other_id):
            wire.ask("POST", f"{API}/containers/{each}/pause")
        wire.until(lambda: is_frozen(group) and is_frozen(others))
        yield status(wire.ask("POST", f"{API}/containers/{id}/unpause"), 204)
        yield Claim(say("the processes of the container go on"), wire.until(lambda: not is_frozen(group), 1.0))
        ended = wire.until(lambda: _is_ending(container), 0.5)
        yield Claim(say("and are all still there"), not ended)
        yield Claim(say("another container that was paused stays so"), is_frozen(others))
    yield unknown(wire, "POST", f"/containers/{NOBODY}/unpause")


def _is_ending(container: ProcessView) -> bool:
    return procfs.has_ended(container.pid) or len(family(container)) < FAMILY


PAUSE = START.replace(perform=served("pause"), converse=_converse_pause, forbidden=FREEZING)
UNPAUSE = START.replace(perform=served("unpause"), converse=_converse_unpause, forbidden=FREEZING)
