"""exec: a further process in a container that runs, in its namespaces, its cgroup and its root, and no mightier than it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from labcore.engine.container.lifecycle import next_status, status_of
from labcore.engine.container.state import get, has_ended, while_it_runs
from labcore.engine.engine import Engine
from labcore.engine.records.records import Container
from labcore.engine.spans import note_ops, span
from labcore.errors import InvalidInput, NotRunning, Unavailable
from labcore.native import Process, Stream
from labcore.record import Record
from labcore.runtime import spawn
from labcore.runtime.cgroups import hierarchies
from labcore.runtime.cgroups.group import opened
from labcore.runtime.exec import exec_plan
from labcore.runtime.stdio import give_streams
from labcore.spec import BindRoot, ContainerSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from labcore.runtime import Plan
    from labcore.runtime.cgroups.hierarchy import Hierarchies


class ExecOptions(Record):
    """What a caller wants of a further process: `docker exec`'s options. What is empty is the container's."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str | None], ...] = ()
    workdir: str = ""
    user: str = ""
    privileged: bool = False
    tty: bool = False
    console_size: tuple[int, int] | None = None  # rows and columns that its terminal begins with

    def __post_init__(self) -> None:
        if not self.command:
            raise InvalidInput("No exec command specified")


def check_runs(container: Container, name: str = "") -> None:
    """Raise NotRunning, or InUse of a container that is paused or about to be restarted, in docker's words.

    `name` is how the caller calls it.
    """
    next_status("exec", status_of(container), id=container.id, name=name)


def execute(
    engine: Engine,
    text: str,
    options: ExecOptions,
    *,
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
    take_terminal: Callable[[Process], None] | None = None,
    release: bool = False,
    kept_output: Mapping[int, int] | None = None,
) -> Process:
    """Start a process in a container and return it once its program runs; with `release` it is let go of.

    With a terminal, `take_terminal` is called with the process when its other end is there: `labcore.runtime.terminal.take`.
    With `kept_output` it goes on when this process has gone: `labcore.runtime.spawn`.
    Raises NotFound, NotRunning, InvalidInput, StepFailed.
    """
    container = get(engine, text)
    if container.state.status != "running":
        raise NotRunning(f"container {container.id} is not running")
    try:
        with while_it_runs(container), span("runtime: exec"):
            begun = time.time_ns()
            plan, birthplace = _plan(engine, container, options, take_terminal)
            with opened(birthplace) as cgroup:
                process = spawn(
                    plan, stdin=stdin, stdout=stdout, stderr=stderr, release=release, kept_output=kept_output, cgroup=cgroup
                )
            note_ops(process, begun, before="runtime: plan and monitor")
            return process
    except PermissionError:  # of /proc/PID/ns
        raise Unavailable(
            f"{container} was started in another user namespace than this command's, which may not enter it\n"
            "  cure: start it and enter it in one: labcore rootless sh, and the commands there"
        ) from None


def _plan(
    engine: Engine, container: Container, options: ExecOptions, take_terminal: Callable[[Process], None] | None
) -> tuple[Plan, str]:
    """Return the plan of a process in a container, and the directory of the cgroup of version 2 in which it is to be born."""
    pid = container.state.pid
    spec = _spec(engine, container, options, pid)

    def ready(process: Process) -> None:
        if has_ended(container):  # what was joined may be a later process's
            raise NotRunning(f"container {container.id} is not running")
        if not spec.terminal:
            give_streams(process.pid, spec.user.uid)

    syncs = (("created", ready), *((("terminal", take_terminal),) if take_terminal else ()))
    launch = engine.launch_options(syncs).replace(dies_with_parent=False)
    cgroups = _entered(pid)
    birthplace = cgroups.pop("", "")
    return exec_plan(spec, pid, options=launch, cgroups=tuple(dict.fromkeys(cgroups.values()))), birthplace


def _spec(engine: Engine, container: Container, options: ExecOptions, pid: int) -> ContainerSpec:
    """Return the container's own spec, with what is the new process's in it."""
    from labcore.engine.container.holding import spec_of

    wanted = container.options.replace(
        command=options.command,
        entrypoint=(),
        environment=(*container.options.environment, *options.environment),
        workdir=options.workdir or container.options.workdir,
        user=options.user or container.options.user,
        privileged=options.privileged or container.options.privileged,
        tty=options.tty,
        console_size=options.console_size,
        init=False,
    )
    root = BindRoot(f"/proc/{pid}/root")
    spec = spec_of(engine, container.replace(options=wanted), root, lambda *_: pid)
    if not container.options.links:
        return spec
    from labcore.engine.network.networks import connected_now, with_variables  # few have any

    return with_variables(spec, connected_now(engine, container).variables)


def _entered(pid: int) -> dict[str, str]:
    """Return the directories of the cgroups that a process is in and this one is not, as below. Raises OSError."""
    where = hierarchies()
    own = dict(_cgroups(os.getpid(), where))
    theirs = {name: each for name, each in _cgroups(pid, where) if each != own.get(name)}
    there = set(filter(os.path.isdir, set(theirs.values())))
    return {name: each for name, each in theirs.items() if each in there}


def cgroups_by_controller(pid: int) -> dict[str, str]:
    """Return the directories of a process's cgroups, by controller of version 1, and by `` for version 2. Raises OSError."""
    return {name: each for name, each in _cgroups(pid, hierarchies()) if os.path.isdir(each)}  # noqa: PTH112


def _cgroups(pid: int, where: Hierarchies) -> Iterator[tuple[str, str]]:
    """Yield the same as the kernel lists them, cgroups(7): one that is out of sight here has no such directory."""
    mounts = dict(where.v1) | ({"": where.v2} if where.v2 else {})
    for line in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            if name in mounts:
                yield name, f"{mounts[name]}{path}"
