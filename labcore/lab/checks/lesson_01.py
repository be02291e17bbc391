"""Checks of lesson 1: host name, namespaces, root, run."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore import native, procfs
from labcore.lab.checks import process_view
from labcore.lab.checks.process_view import FILES, ProcessView, descendants
from labcore.lab.checks.scenario import GATE, INNER_GATE, REFERENCE, Draw, Scenario, carry_out, plan_of
from labcore.lab.checks.tripwires import arm
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.native import MountFlag
from labcore.runtime import spawn
from labcore.spec import DEFAULT_DEVICES

SLEEPERS = 3
DEV = ("/dev", "/dev/pts", *(device.path for device in DEFAULT_DEVICES))  # what lesson 4 mounts, too
ALLOWED = ("/", "/proc", *DEV)


def own_number(seen: ProcessView) -> Claim:
    """Process 1."""
    return Claim(say("it is process 1 of its own PID namespace"), seen.numbers[-1] == 1, say("process {n}", n=seen.numbers[-1]))


def _a_container(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield Claim(say("its root is the directory that was named"), seen.holds(draw.mark))


def own_name(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    """A host name that is not the machine's."""
    starter = seen.parent.hostname
    yield Claim(say("the machine that starts it keeps its own name"), starter != draw.hostname, starter)
    yield equal(say("host name"), draw.hostname, seen.hostname)


def own_root(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    """A root that holds what was drawn, and nothing of the old one."""
    yield Claim(say("its root is the directory that was named"), seen.holds(draw.mark))
    places = sorted(fields[4] for fields in seen.mounts)
    left = [place for place in places if place not in ALLOWED and not place.startswith("/proc/")]
    yield Claim(say("nothing of the old root is left in it"), not left, " ".join(left[:4]))
    kinds = {fields[4]: fields[fields.index("-") + 1] for fields in seen.mounts}
    yield Claim(say("/proc is mounted, a proc file system"), kinds.get("/proc") == "proc", kinds.get("/proc") or say("nothing"))
    shared = any(field.startswith("shared:") for fields in seen.mounts for field in fields[6 : fields.index("-")])
    yield Claim(say("its mounts are private"), not shared)


def ended_as_drawn(returned: Any, draw: Draw) -> Iterator[Claim]:
    """The exit code that was drawn."""
    yield equal(say("the program's exit code, returned"), draw.exit_code, returned)


def share_everything() -> None:
    """Make the sandbox's mounts shared, as systemd makes a machine's: a step must cope with that too."""
    native.mount("none", "/", flags=MountFlag.REC | MountFlag.SHARED)


# --- hostname


def _perform_hostname(mine: ModuleType, draw: Draw) -> int:
    return carry_out(draw, draw.waiting(), REFERENCE.namespaces, mine.hostname, REFERENCE.rootfs)


def _observe_hostname(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield from _a_container(seen, draw)
    yield from own_name(seen, draw)


# --- namespaces


def _perform_namespaces(mine: ModuleType, draw: Draw) -> int:
    return carry_out(draw, draw.waiting(), mine.namespaces, REFERENCE.rootfs)


def _observe_namespaces(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield from _a_container(seen, draw)
    for kind in FILES:
        own = seen.namespace(kind) != seen.parent.namespace(kind)
        if kind in draw.namespaces:
            yield Claim(say("{kind}: a namespace of its own", kind=kind), own, say("the starter's"))
        else:
            yield Claim(
                say("{kind}: the starter's, for the spec does not ask for one", kind=kind), not own, say("one of its own")
            )


# --- rootfs


def _perform_rootfs(mine: ModuleType, draw: Draw) -> int:
    share_everything()
    return carry_out(draw, draw.waiting(), REFERENCE.namespaces, mine.rootfs)


def _observe_rootfs(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from own_root(seen, draw)


# --- run


def _perform_run(mine: ModuleType, draw: Draw) -> Any:
    share_everything()
    return mine.run(draw.root, list(draw.waiting()), draw.hostname)


def _observe_run(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from own_name(seen, draw)
    yield from own_root(seen, draw)


# --- outside_pid

READERS = (procfs.children, procfs.descendants, procfs.ns_pids, procfs.status, process_view)


def _family(draw: Draw) -> tuple[str, ...]:
    """A program whose children's numbers begin anywhere; one of them is a grandchild. It passes a gate, and another."""
    return draw.script(f"{_sleepers(draw)} read go < /{GATE}; read go < /{INNER_GATE}; exit 0")


def _sleepers(draw: Draw) -> str:
    sleepers = "sleep 30 & " * (SLEEPERS - 1) + "(sleep 30; true) & "
    return f"echo {draw.number} > /proc/sys/kernel/ns_last_pid; {sleepers}"


def _sleeping(pid: int) -> list[int]:
    """Return the sleepers below a process, by their numbers here."""
    return sorted(seen.pid for seen in descendants(pid) if seen.command[:1] == ["sleep"])


def _perform_outside_pid(mine: ModuleType, draw: Draw) -> Any:
    """Ask for the outside number of one of a family's sleepers; beside it stands another family whose numbers inside are equal.

    The family waits at a second gate until this has asked.
    """
    with suppress(OSError):  # nor do the numbers out here begin where one could guess
        Path("/proc/sys/kernel/ns_last_pid").write_text(str(draw.number * 2), encoding="utf-8")
    decoy = draw.replace(token="beside").script(f"{_sleepers(draw)} wait")
    with (
        spawn(plan_of(draw, decoy, REFERENCE.namespaces, REFERENCE.rootfs)) as other,
        spawn(plan_of(draw, _family(draw), REFERENCE.namespaces, REFERENCE.rootfs)) as family,
    ):
        _await(lambda: len(_sleeping(other.pid)) == len(_sleeping(family.pid)) == SLEEPERS)
        wanted = ProcessView(_sleeping(family.pid)[draw.which % SLEEPERS]).numbers[-1]
        arm((*READERS, ProcessView))  # all is seen by now that the check itself has to see in here
        found = mine.outside_pid(family.pid, wanted)
        Path(draw.root, INNER_GATE).write_text("\n", encoding="utf-8")  # waits until the family has passed the first
        family.wait()
        return [found, wanted]


def _await(condition: Callable[[], bool]) -> None:
    for _ in range(400):
        with suppress(OSError, StopIteration):
            if condition():
                return
        time.sleep(0.01)
    raise TimeoutError("the processes that are to be looked for did not come up")


def _observe_outside_pid(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield from _a_container(seen, draw)
    _await(lambda: len(_sleeping(seen.pid)) == SLEEPERS)
    _SEEN[draw.token] = {ProcessView(pid).numbers[-1]: ProcessView(pid).numbers[-2] for pid in _sleeping(seen.pid)}


_SEEN: dict[str, dict[int, int]] = {}  # by token: the numbers inside and out that the observer saw, for the conclusion


def _conclude_outside_pid(returned: Any, draw: Draw) -> Iterator[Claim]:
    found, asked = returned if isinstance(returned, list) and len(returned) == 2 else (None, None)
    expected = _SEEN.pop(draw.token, {}).get(asked or 0)
    right = expected is not None and type(found) is int and found == expected
    text = say("the number out here of the process that is {n} inside", n=asked)
    yield Claim(text, right, expected=str(expected), seen=repr(found))


# --- read_only


def _tries_to_write(draw: Draw) -> tuple[str, ...]:
    script = f"read go < /{GATE}; touch /{draw.token}; a=$?; touch /tmp/{draw.token}; b=$?; exit $((a * 10 + b))"
    return draw.script(script)


def _perform_read_only(mine: ModuleType, draw: Draw) -> int:
    return carry_out(draw, _tries_to_write(draw), REFERENCE.namespaces, REFERENCE.rootfs, mine.read_only)


def _observe_read_only(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield from _a_container(seen, draw)
    options = {fields[4]: fields[5].split(",") for fields in seen.mounts}
    kinds = {fields[4]: fields[fields.index("-") + 1] for fields in seen.mounts}
    yield Claim(say("/ is mounted read-only"), "ro" in options.get("/", ()), ",".join(options.get("/", ())))
    yield Claim(say("/tmp is a tmpfs that can be written"), kinds.get("/tmp") == "tmpfs" and "rw" in options.get("/tmp", ()))


def _conclude_read_only(returned: Any, draw: Draw) -> Iterator[Claim]:
    failed, written = isinstance(returned, int) and returned >= 10, isinstance(returned, int) and returned % 10 == 0
    yield Claim(say("the program could not write to /"), failed and not os.path.lexists(f"{draw.root}/{draw.token}"))
    yield Claim(say("the program could write to /tmp"), written)


SCENARIOS = {
    "hostname": Scenario(_perform_hostname, _observe_hostname, ended_as_drawn, Draw.waiting),
    "namespaces": Scenario(_perform_namespaces, _observe_namespaces, ended_as_drawn, Draw.waiting, twice=True),
    "rootfs": Scenario(_perform_rootfs, _observe_rootfs, ended_as_drawn, Draw.waiting),
    "run": Scenario(_perform_run, _observe_run, ended_as_drawn, Draw.waiting),
    "outside_pid": Scenario(_perform_outside_pid, _observe_outside_pid, _conclude_outside_pid, _family),
    "read_only": Scenario(_perform_read_only, _observe_read_only, _conclude_read_only, _tries_to_write),
}
