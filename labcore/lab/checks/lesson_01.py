"""Checks of lesson 1: host name, namespaces, root, run."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore import procfs
from labcore.lab.checks import process_view
from labcore.lab.checks.containers import a_container, ended_as_drawn, own_name, own_number, own_root
from labcore.lab.checks.process_view import ProcessView, descendants
from labcore.lab.checks.running import call_run, ended_or_failed, run_as_drawn
from labcore.lab.checks.scenario import GATE, INNER_GATE, REFERENCE, Draw, Scenario, carry_out, plan_of
from labcore.lab.checks.surroundings import share_mounts
from labcore.lab.checks.tripwires import arm
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say
from labcore.procfs import NAMESPACE_FILES
from labcore.runtime import spawn

SLEEPERS = 3
COMING_SECONDS = 60.0  # until they are there: a busy machine lets them wait


# --- hostname


def _perform_hostname(mine: ModuleType, draw: Draw) -> int:
    return carry_out(draw.spec(draw.waiting()), REFERENCE.namespaces, mine.hostname, REFERENCE.rootfs)


def _observe_hostname(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield from a_container(seen, draw)
    yield from own_name(seen, draw)


# --- namespaces


def _perform_namespaces(mine: ModuleType, draw: Draw) -> int:
    return carry_out(draw.spec(draw.waiting()), mine.namespaces, REFERENCE.rootfs)


def _observe_namespaces(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield from a_container(seen, draw)
    for kind in NAMESPACE_FILES:
        own = seen.namespace(kind) != seen.parent.namespace(kind)
        if kind in draw.namespaces:
            yield Claim(say("{kind}: a namespace of its own", kind=kind), own, say("the starter's"))
        else:
            yield Claim(
                say("{kind}: the starter's, for the spec does not ask for one", kind=kind), not own, say("one of its own")
            )


# --- rootfs


def _perform_rootfs(mine: ModuleType, draw: Draw) -> int:
    share_mounts()
    return carry_out(draw.spec(draw.waiting()), REFERENCE.namespaces, mine.rootfs)


def _observe_rootfs(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from own_root(seen, draw)


# --- run


def _program(draw: Draw) -> tuple[str, ...]:
    """A program that waits; the second time it is to be looked up in PATH."""
    path, *words = draw.waiting()
    return (path.rpartition("/")[2] if draw.again else path, *words)


def _perform_run(mine: ModuleType, draw: Draw) -> Any:
    return call_run(mine, draw, draw.root, _program(draw))


def _observe_run(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield from run_as_drawn(seen, draw, draw.spec(_program(draw)).environment)


# --- outside_pid

READERS = (procfs.children, procfs.descendants, procfs.ns_pids, procfs.status, process_view)


def _family(draw: Draw) -> tuple[str, ...]:
    """A program whose children's numbers begin anywhere; one of them is a grandchild. It passes a gate, and another."""
    return draw.script(f"{_sleepers(draw)} read go < /{GATE}; read go < /{INNER_GATE}; exit 0")


def _sleepers(draw: Draw) -> str:
    sleepers = "sleep 300 & " * (SLEEPERS - 1) + "(sleep 300; true) & "
    return f"echo {draw.number} > /proc/sys/kernel/ns_last_pid; {sleepers}"


def _sleeping(pid: int) -> list[int]:
    """Return the sleepers below a process, by their numbers here."""
    return sorted(seen.pid for seen in descendants(pid) if seen.command[:1] == ["sleep"])


def _perform_outside_pid(mine: ModuleType, draw: Draw) -> Any:
    """Ask for the outside numbers of a family; beside it stands another family whose numbers inside are equal.

    The family waits at a second gate until this has asked.
    """
    with suppress(OSError):  # nor do the numbers out here begin where one could guess
        Path("/proc/sys/kernel/ns_last_pid").write_text(str(draw.number * 2), encoding="utf-8")
    decoy = draw.replace(token="beside").script(f"{_sleepers(draw)} wait")
    with (
        spawn(plan_of(draw.spec(decoy), REFERENCE.namespaces, REFERENCE.rootfs)) as other,
        spawn(plan_of(draw.spec(_family(draw)), REFERENCE.namespaces, REFERENCE.rootfs)) as family,
    ):
        _await(lambda: len(_sleeping(other.pid)) == len(_sleeping(family.pid)) == SLEEPERS)
        asked = [1, *(ProcessView(pid).numbers[-1] for pid in _sleeping(family.pid))]
        arm((*READERS, ProcessView))  # all is seen by now that the check itself has to see in here
        found = [[number, mine.outside_pid(family.pid, number)] for number in (*asked, max(asked) + 1000)]
        Path(draw.root, INNER_GATE).write_text("\n", encoding="utf-8")  # waits until the family has passed the first
        family.wait()
        return found


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + COMING_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError, StopIteration):
            if condition():
                return
        time.sleep(0.01)
    raise TimeoutError("the processes that are to be looked for did not come up")


def _observe_outside_pid(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield from a_container(seen, draw)
    _await(lambda: procfs.has_ended(seen.pid) or len(_sleeping(seen.pid)) == SLEEPERS)  # the step may have failed
    family = map(ProcessView, (seen.pid, *_sleeping(seen.pid)))
    draw.keep("numbers", {each.numbers[-1]: each.numbers[-2] for each in family})  # inside: out here


def _conclude_outside_pid(returned: Any, draw: Draw) -> Iterator[Claim]:
    expected = draw.kept("numbers", {})
    *there, (nobody, nothing) = returned
    for asked, found in there:
        right = type(found) is int and found == expected.get(asked)
        text = say("the number out here of the process that is {n} inside", n=asked)
        yield Claim(text, right, expected=str(expected.get(asked)), seen=repr(found))
    yield Claim(say("for {n}, which no process inside has, there is none", n=nobody), not nothing, repr(nothing))


# --- read_only


def _tries_to_write(draw: Draw) -> tuple[str, ...]:
    script = f"read go < /{GATE}; touch /{draw.token}; a=$?; touch /tmp/{draw.token}; b=$?; exit $((a * 10 + b))"
    return draw.script(script)


def _perform_read_only(mine: ModuleType, draw: Draw) -> int:
    return carry_out(draw.spec(_tries_to_write(draw)), REFERENCE.namespaces, REFERENCE.rootfs, mine.read_only)


def _observe_read_only(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield from a_container(seen, draw)
    root, scratch = seen.mount("/"), seen.mount("/tmp")
    yield Claim(say("/ is mounted read-only"), "ro" in root.options, ",".join(root.options))
    yield Claim(say("/tmp is a tmpfs that can be written"), scratch.fstype == "tmpfs" and "rw" in scratch.options)


def _conclude_read_only(returned: Any, draw: Draw) -> Iterator[Claim]:
    failed, written = isinstance(returned, int) and returned >= 10, isinstance(returned, int) and returned % 10 == 0
    yield Claim(say("the program could not write to /"), failed and not os.path.lexists(f"{draw.root}/{draw.token}"))
    yield Claim(say("the program could write to /tmp"), written)


SCENARIOS = {
    "hostname": Scenario(_perform_hostname, _observe_hostname, ended_as_drawn, Draw.waiting),
    "namespaces": Scenario(_perform_namespaces, _observe_namespaces, ended_as_drawn, Draw.waiting, twice=True),
    "rootfs": Scenario(_perform_rootfs, _observe_rootfs, ended_as_drawn, Draw.waiting),
    "run": Scenario(_perform_run, _observe_run, ended_or_failed, _program, twice=True),
    "outside_pid": Scenario(_perform_outside_pid, _observe_outside_pid, _conclude_outside_pid, _family),
    "read_only": Scenario(_perform_read_only, _observe_read_only, _conclude_read_only, _tries_to_write),
}
