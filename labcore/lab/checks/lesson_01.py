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
    first = (seen.text("/proc/1/cmdline") or "").split("\0")[:-1]
    yield Claim(
        say("and shows its own processes: process 1 is the program"), first == seen.command, " ".join(first) or say("nothing")
    )
    begins = Path(f"/proc/{seen.pid}/cwd").samefile(f"/proc/{seen.pid}/root")
    yield Claim(say("it begins in /"), begins)
    linked = [field for fields in seen.mounts for field in fields[6 : fields.index("-")]]  # shared:N, master:N
    yield Claim(say("its mounts are private"), not linked, " ".join(linked[:2]))


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


def _program(draw: Draw) -> tuple[str, ...]:
    """A program that waits; the second time it is to be looked up in PATH."""
    path, *words = draw.waiting()
    return (path.rpartition("/")[2] if draw.again else path, *words)


def _perform_run(mine: ModuleType, draw: Draw) -> Any:
    """Run the program; the second time without a name, for there is one by default."""
    share_everything()
    name = () if draw.again else (draw.hostname,)
    return {"code": mine.run(draw.root, list(_program(draw)), *name), "missing": run_missing(mine, draw, draw.root)}


def run_missing(mine: ModuleType, draw: Draw, root: str) -> Any:
    """Run a program that is not there; return the exit code, or 127 if that raises an error, as it should."""
    try:
        return mine.run(root, [f"/bin/{draw.token}"], draw.hostname)
    except Exception:
        return 127


def _observe_run(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from own_name(seen, by_default(draw))
    yield from own_root(seen, draw)
    yield from own_environment(seen, draw.spec(_program(draw)).environment)


def by_default(draw: Draw) -> Draw:
    """Return what was drawn with the name that a `run` gives by default, which it is to give the second time."""
    return draw.replace(hostname="box") if draw.again else draw


def own_environment(seen: ProcessView, wanted: tuple[str, ...]) -> Iterator[Claim]:
    """The spec's environment."""
    found = seen.environment
    yield Claim(say("its environment is that of the spec"), set(wanted) <= set(found), " ".join(found)[:40])


def ended_or_failed(returned: Any, draw: Draw) -> Iterator[Claim]:
    """The exit code that was drawn, and for a program that is not there no success."""
    yield from ended_as_drawn(returned["code"], draw)
    missing = returned["missing"]
    told = type(missing) is int and missing != 0
    yield Claim(
        say("a program that is not there is no success: an error is raised, or another code than 0"), told, repr(missing)
    )


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
    """Ask for the outside numbers of a family; beside it stands another family whose numbers inside are equal.

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
        asked = [1, *(ProcessView(pid).numbers[-1] for pid in _sleeping(family.pid))]
        arm((*READERS, ProcessView))  # all is seen by now that the check itself has to see in here
        found = [[number, mine.outside_pid(family.pid, number)] for number in (*asked, max(asked) + 1000)]
        Path(draw.root, INNER_GATE).write_text("\n", encoding="utf-8")  # waits until the family has passed the first
        family.wait()
        return found


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
    family = map(ProcessView, (seen.pid, *_sleeping(seen.pid)))
    _SEEN[draw.token] = {each.numbers[-1]: each.numbers[-2] for each in family}


_SEEN: dict[str, dict[int, int]] = {}  # by token: the numbers inside and out that the observer saw, for the conclusion


def _conclude_outside_pid(returned: Any, draw: Draw) -> Iterator[Claim]:
    expected = _SEEN.pop(draw.token, {})
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
    "run": Scenario(_perform_run, _observe_run, ended_or_failed, _program, twice=True),
    "outside_pid": Scenario(_perform_outside_pid, _observe_outside_pid, _conclude_outside_pid, _family),
    "read_only": Scenario(_perform_read_only, _observe_read_only, _conclude_read_only, _tries_to_write),
}
