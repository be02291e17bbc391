"""What the steps of lesson 1 must bring about."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore.lab.checks.scenario import GATE, REFERENCE, Facts, Scenario, plan_of, start
from labcore.lab.checks.seen import FILES, Seen, children, descendants
from labcore.lab.checks.verdict import Claim
from labcore.lab.say import say
from labcore.runtime import spawn

SLEEPERS = 3


def _own_number(seen: Seen) -> Claim:
    return Claim(say("it is process 1 of its own PID namespace"), seen.numbers[-1] == 1, f"NSpid {seen.numbers}")


def _own_name(seen: Seen, facts: Facts) -> Iterator[Claim]:
    starter = seen.parent.hostname
    yield Claim(say("the machine that starts it keeps its own name"), starter != facts.hostname, starter)
    name = seen.hostname
    yield Claim(say("its host name is {name}", name=facts.hostname), name == facts.hostname, name)


def _own_root(seen: Seen, facts: Facts) -> Iterator[Claim]:
    yield Claim(say("its root is the directory that was named"), seen.holds(facts.mark))
    places = sorted(fields[4] for fields in seen.mounts)
    yield Claim(say("nothing of the old root is left, only / and /proc"), places == ["/", "/proc"], " ".join(places[:6]))
    kinds = {fields[4]: fields[fields.index("-") + 1] for fields in seen.mounts}
    yield Claim(say("/proc is a proc file system"), kinds.get("/proc") == "proc", kinds.get("/proc", "-"))
    shared = any(field.startswith("shared:") for fields in seen.mounts for field in fields[6 : fields.index("-")])
    yield Claim(say("its mounts are private"), not shared)


def _ended_as_drawn(returned: Any, facts: Facts) -> Iterator[Claim]:
    yield Claim(say("it ended with the exit code that was drawn"), returned == facts.exit_code, str(returned))


# --- hostname


def _perform_hostname(mine: ModuleType, facts: Facts) -> int:
    return start(facts, REFERENCE.namespaces, mine.hostname, REFERENCE.rootfs)


# --- namespaces


def _perform_namespaces(mine: ModuleType, facts: Facts) -> int:
    return start(facts, mine.namespaces, REFERENCE.rootfs)


def _observe_namespaces(seen: Seen, facts: Facts) -> Iterator[Claim]:
    yield _own_number(seen)
    for kind in FILES:
        own = seen.namespace(kind) != seen.parent.namespace(kind)
        if kind in facts.namespaces:
            yield Claim(say("{kind}: a namespace of its own", kind=kind), own, seen.namespace(kind))
        else:
            yield Claim(say("{kind}: the starter's, for the spec does not ask for one", kind=kind), not own)


# --- rootfs


def _perform_rootfs(mine: ModuleType, facts: Facts) -> int:
    return start(facts, REFERENCE.namespaces, mine.rootfs)


# --- run


def _perform_run(mine: ModuleType, facts: Facts) -> Any:
    return mine.run(list(facts.argv), facts.root, facts.hostname)


def _observe_run(seen: Seen, facts: Facts) -> Iterator[Claim]:
    yield Claim(say("the program and its arguments are those that were named"), tuple(seen.command) == facts.argv)
    yield _own_number(seen)
    yield from _own_name(seen, facts)
    yield from _own_root(seen, facts)


# --- outside_pid


def _perform_outside_pid(mine: ModuleType, facts: Facts) -> Any:
    """Start a family whose numbers inside begin anywhere, and ask for the outside number of its last member.

    It passes the gate twice: the observer opens it once, and this once, so that the family stays until both have looked.
    """
    sleepers = "sleep 30 & " * SLEEPERS
    script = f"echo {facts.number} > /proc/sys/kernel/ns_last_pid; {sleepers} read go < /{GATE}; read go < /{GATE}; exit 0"
    plan = plan_of(facts, REFERENCE.namespaces, REFERENCE.rootfs, argv=facts.script(script))
    with suppress(OSError):  # nor do those out here begin where one could guess
        Path("/proc/sys/kernel/ns_last_pid").write_text(str(facts.number * 2))
    with spawn(plan) as process:
        for _ in range(200):
            if len(family := children(process.pid)) == SLEEPERS:
                break
            time.sleep(0.01)
        found = mine.outside_pid(process.pid, Seen(max(family)).numbers[-1])
        Path(facts.root, GATE).write_text("\n")
        process.wait()
        return found


_EXPECTED: dict[str, int] = {}  # by token: what the observer saw, for the conclusion that follows


def _observe_outside_pid(seen: Seen, facts: Facts) -> Iterator[Claim]:
    *_, last = sorted(process.numbers[-2] for process in descendants(seen.pid))
    _EXPECTED[facts.token] = last
    yield Claim(say("a family of {n} is there to be looked at", n=SLEEPERS + 1), True)


def _conclude_outside_pid(returned: Any, facts: Facts) -> Iterator[Claim]:
    expected = _EXPECTED.pop(facts.token, None)
    right = expected is not None and type(returned) is int and returned == expected
    yield Claim(say("the number is the one that the process has out here"), right, f"{returned!r}, NSpid: {expected}")


# --- read_only


def _perform_read_only(mine: ModuleType, facts: Facts) -> int:
    script = f"read go < /{GATE}; touch /{facts.token}; a=$?; touch /tmp/{facts.token}; b=$?; exit $((a * 10 + b))"
    return start(facts, REFERENCE.namespaces, REFERENCE.rootfs, mine.read_only, argv=facts.script(script))


def _observe_read_only(seen: Seen, facts: Facts) -> Iterator[Claim]:
    yield Claim(say("its root is the directory that was named"), seen.holds(facts.mark))
    options = {fields[4]: fields[5].split(",") for fields in seen.mounts}
    kinds = {fields[4]: fields[fields.index("-") + 1] for fields in seen.mounts}
    yield Claim(say("/ is mounted read-only"), "ro" in options["/"], ",".join(options["/"]))
    yield Claim(say("/tmp is a tmpfs that can be written"), kinds.get("/tmp") == "tmpfs" and "rw" in options.get("/tmp", ()))


def _conclude_read_only(returned: Any, facts: Facts) -> Iterator[Claim]:
    failed, written = isinstance(returned, int) and returned >= 10, isinstance(returned, int) and returned % 10 == 0
    yield Claim(say("the program could not write to /"), failed and not os.path.lexists(f"{facts.root}/{facts.token}"))
    yield Claim(say("the program could write to /tmp"), written)


SCENARIOS = {
    "hostname": Scenario(_perform_hostname, _own_name, _ended_as_drawn),
    "namespaces": Scenario(_perform_namespaces, _observe_namespaces, _ended_as_drawn),
    "rootfs": Scenario(_perform_rootfs, _own_root, _ended_as_drawn),
    "run": Scenario(_perform_run, _observe_run, _ended_as_drawn),
    "outside_pid": Scenario(_perform_outside_pid, _observe_outside_pid, _conclude_outside_pid),
    "read_only": Scenario(_perform_read_only, _observe_read_only, _conclude_read_only),
}
