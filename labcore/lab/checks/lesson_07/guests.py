"""Containers of a check's miniature daemon: a runtime that starts them on the drawn root, and what is seen of them outside."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from labcore import procfs
from labcore.lab import cgroups
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import REFERENCE, Draw
from labcore.lab.checks.serving import serve
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.checks.wire import Wire
from labcore.lab.lessons import all_steps
from labcore.lab.messages import say
from labcore.lab.miniature import Asked, Container, Reply
from labcore.lab.miniature.app import MiniatureDaemon
from labcore.runtime.cgroups.removal import frozen, thaw

LESSON: Final = 7
API: Final = "/v1.47"
NOBODY: Final = "0" * 64  # an id that no container has
STEADY: Final = "sleep 1000 & sleep 1000; wait"  # a program with a child beside it
# As `main` and `run` of earlier lessons do it: `PROGRAM ROOT NAME run IMAGE ARGV…`, in a fresh process of its own.
RUNTIME: Final = """
import sys
from labcore.native import CloneFlag, MountFlag, UnmountFlag
from labcore.runtime import Plan, ops, spawn
root, name, _, _, *argv = sys.argv[1:]
flags = CloneFlag.NEWNS | CloneFlag.NEWPID | CloneFlag.NEWUTS | CloneFlag.NEWIPC | CloneFlag.NEWNET | CloneFlag.NEWCGROUP
plan = Plan([
    ops.Clone(flags),
    ops.SetHostname(name),
    ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
    ops.Mount(root, root, flags=MountFlag.BIND | MountFlag.REC),
    ops.Chdir(root),
    ops.Mount("proc", "proc", "proc"),
    ops.PivotRoot(".", "."),
    ops.Unmount(".", UnmountFlag.DETACH),
    ops.Chdir("/"),
    ops.Execve(tuple(argv), (), (argv[0],)),
])
with spawn(plan) as process:
    sys.exit(process.wait())
"""


def served(step: str) -> Any:
    """Return the `perform` of a step's check: it serves that step of the learner's, and labcore's own of all others."""
    return lambda mine, draw: serve_with(mine, draw, step, RUNTIME)


def serve_with(mine: ModuleType, draw: Draw, step: str, runtime: str) -> dict[str, Any]:
    """Serve a step of the learner's, and labcore's own of all others, with the text of a runtime for the containers."""
    others = {name: getattr(REFERENCE, name) for name in all_steps() if name != step} | {"create": _create}
    mine.__dict__.update({name: function for name, function in others.items() if name != step})
    file = Path(draw.place, "runtime.py")
    file.write_text(runtime, encoding="utf-8")
    return serve(mine, draw, runtime=[sys.executable, "-P", str(file), draw.root, draw.hostname], lesson=LESSON)


def _create(daemon: MiniatureDaemon, request: Asked) -> Reply:
    """Note a container, as in lesson 5: no image has to be there, for the runtime takes the drawn root."""
    wanted = request.json()
    container = Container(wanted["Image"], wanted["Cmd"], request.query.get("name", ""))
    daemon.containers[container.id] = container
    return Reply(201, {"Id": container.id, "Warnings": []})


def program(draw: Draw, name: str, text: str = STEADY) -> list[str]:
    """Return a script's argument list, which carries the token and a name besides."""
    return [*draw.script(text), name]


def created(wire: Wire, argv: list[str], name: str = "") -> str:
    """Have a container created; return its id. Raises LookupError if the daemon does not."""
    target = f"{API}/containers/create" + (f"?name={name}" if name else "")
    answer = wire.ask("POST", target, {"Image": "busybox", "Cmd": argv}).json()
    if not isinstance(answer, dict) or not answer.get("Id"):
        raise LookupError(f"POST {target}: {answer}")
    return str(answer["Id"])


def started(wire: Wire, draw: Draw, name: str, text: str = STEADY) -> tuple[str, ProcessView]:
    """Have a container created and started; return its id, and its first process. Raises LookupError if there is none."""
    argv = program(draw, name, text)
    id = created(wire, argv)
    wire.ask("POST", f"{API}/containers/{id}/start")
    found = wire.until(lambda: first_process(wire, argv))
    if found is None:
        raise LookupError(f"{id[:12]}: {' '.join(argv)}")
    return id, found


def first_process(wire: Wire, argv: list[str]) -> ProcessView | None:
    """Return the process of a container that runs this program, once all that it starts is there."""
    family = running(wire, argv)
    outermost = next((each for each in family if each.numbers[-1] == 1), None)
    whole = outermost and (STEADY not in argv or len(procfs.descendants(outermost.pid)) == 2)
    return outermost if whole else None


def running(wire: Wire, argv: list[str]) -> list[ProcessView]:
    """Return the processes with this argument list: a shell's child begins as a copy of it."""
    return [each for each in wire.below if _command(each) == argv]


def _command(process: ProcessView) -> list[str]:
    try:
        return process.command
    except OSError:  # it has ended
        return []


def family(container: ProcessView) -> list[ProcessView]:
    """Return a container's first process, and all below it."""
    return [container, *map(ProcessView, procfs.descendants(container.pid))]


def freezer_of(process: ProcessView) -> Path:
    """Return the directory of the cgroup, with a freezer, that a process is in."""
    return Path(cgroups.cgroup_of(process.pid)["freezer"])


def is_frozen(group: Path) -> bool:
    """Return whether the kernel keeps the processes of a cgroup where they are, all of them."""
    state = group / "freezer.state"
    return frozen([str(group)]) and (not state.exists() or state.read_text(encoding="utf-8").strip() == "FROZEN")


def is_told_to_freeze(group: Path) -> bool:
    """Return whether somebody has asked the kernel to freeze a cgroup, however far it has come with that."""
    states = {"freezer.state": "THAWED", "cgroup.freeze": "0"}
    here = [(group / name, thawed) for name, thawed in states.items() if (group / name).exists()]
    return any(file.read_text(encoding="utf-8").strip() != thawed for file, thawed in here)


@contextmanager
def freezers(*processes: ProcessView) -> Iterator[list[Path]]:
    """Yield the cgroups of processes, and have them go on at the end: what is frozen could not be ended."""
    groups = [freezer_of(each) for each in processes]
    try:
        yield groups
    finally:
        thaw(map(str, groups))


def unknown(wire: Wire, method: str, target: str, body: object = None) -> Claim:
    """Of what there is not, 404."""
    answer = wire.ask(method, f"{API}{target}", body)
    return equal(say("for a container that there is not, the status of the answer is"), 404, answer.status)


def not_running(wire: Wire, id: str, verb: str, body: object = None) -> Iterator[Claim]:
    """Of a container that does not run, 409 and why."""
    answer = wire.ask("POST", f"{API}/containers/{id}/{verb}", body)
    yield equal(say("for a container that does not run, the status of the answer is"), 409, answer.status)
    said = answer.json()
    message = said.get("message", "") if isinstance(said, dict) else ""
    yield Claim(say("and a message says so"), id in str(message) and "not running" in str(message), str(message))


def status(answer: Any, wanted: int) -> Claim:
    """The status of an answer."""
    return equal(say("the status of the answer"), wanted, answer.status)
