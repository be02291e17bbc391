"""A container's cgroup: its directories are noted in `cgroups`, beside the shim's files, before they are made."""

from __future__ import annotations

import os
from contextlib import suppress

from labcore import procfs
from labcore.atomic import atomic_write
from labcore.errors import Unavailable
from labcore.files import read_text, write_text
from labcore.json_codec import dumps, loads
from labcore.runtime.cgroups import removal
from labcore.runtime.launch import birthplace_of
from labcore.runtime.probe import confined
from labcore.spec import MountPoint, Resources
from labcore.spec.isolation import QUIET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from labcore.engine.engine import Engine
    from labcore.engine.records.records import Container
    from labcore.native import Process
    from labcore.runtime.cgroups import Cgroup
    from labcore.runtime.stages.sequence import LaunchOptions, Stage
    from labcore.spec import ContainerSpec, CreateOptions

CGROUPS: Final = "cgroups"
SHOWN: Final = "/sys/fs/cgroup"


def with_cgroup_shown(spec: ContainerSpec, options: CreateOptions) -> ContainerSpec:
    """Return the spec with the container's cgroup at /sys/fs/cgroup, as docker mounts it, unless the options mount something.

    It is read-only but for a privileged container, or as the option writable-cgroups has it. An ordinary user can mount no
    hierarchy of version 1.
    """
    from labcore.runtime.cgroups import hierarchies

    targets = [mount.target for mount in spec.mounts]
    if SHOWN in targets or "/sys" not in targets or (confined() and hierarchies().v1):
        return spec
    writable = options.privileged if options.writable_cgroups is None else options.writable_cgroups
    words = (*QUIET, "relatime", *(() if writable else ("ro",)))
    place = len(targets) - targets[::-1].index("/sys")
    mount = MountPoint(SHOWN, "cgroup", "cgroup", words)
    return spec.replace(mounts=(*spec.mounts[:place], mount, *spec.mounts[place:]))


def remember_cgroups(engine: Engine, container: Container, directories: list[str]) -> None:
    """Note the directories of a container's cgroup, before they are made."""
    atomic_write(engine.container_dirs.path(container.id) / CGROUPS, dumps(directories).encode(), durable=False)


def cgroup_directories(engine: Engine, container: Container) -> list[str]:
    """Return the directories of the cgroup of a container that runs, whoever started it; none if it has none."""
    try:
        noted: list[str] = loads((engine.container_dirs.path(container.id) / CGROUPS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return noted


def cgroup_of_running(engine: Engine, container: Container) -> Cgroup:
    """Return the cgroup of a container that runs. Raises Unavailable if it has none."""
    from labcore.runtime.cgroups import Cgroup, hierarchies

    directories = cgroup_directories(engine, container)
    where = hierarchies()
    for point in (*(point for _, point in where.v1), *([where.v2] if where.v2 else [])):
        for directory in directories:
            if directory.startswith(f"{point}/"):
                return Cgroup.at(directory.removeprefix(point))
    raise Unavailable(f"{container} has no cgroup, for none could be made when it was started: have a subtree delegated")


def remove_cgroups(engine: Engine, container: Container) -> bool:
    """Remove the cgroup of a container that has ended; return whether the kernel had killed something in it for its memory."""
    if not (directories := cgroup_directories(engine, container)):
        return False
    killed = any(map(_had_oom_kill, directories))
    removal.remove(directories + [aside for aside in map(_aside, directories) if os.path.exists(aside)])  # noqa: PTH110
    (engine.container_dirs.path(container.id) / CGROUPS).unlink(missing_ok=True)
    return killed


def limits_without_shim(
    spec: ContainerSpec, options: LaunchOptions, cgroup: Cgroup, stages: Mapping[str, Stage | None]
) -> tuple[ContainerSpec, LaunchOptions]:
    """Return how to launch a container with a limit of processes, for which its shim is not to count.

    Where the container's first process is not born in that cgroup, the shim enters it to make the process: there is room for
    it, until it has been moved out.
    """
    limit = spec.resources.pids or 0
    if limit <= 0 or _counted_in(cgroup) == birthplace_of(cgroup, spec, stages):
        return spec, options

    def leave(process: Process) -> None:
        uncount_shim(list(cgroup.entrances()), process.pid)
        cgroup.apply(Resources(pids=limit))

    resources = spec.resources.replace(pids=limit + 1)
    return spec.replace(resources=resources), options.replace(syncs=(*options.syncs, ("created", leave)))


def _counted_in(cgroup: Cgroup) -> str | None:
    """Return the directory of the cgroup in which processes are counted, or would be."""
    there = cgroup.directories
    return there.get("pids") or there.get("")


def uncount_shim(directories: list[str], pid: int) -> None:
    """Move the shim of a container's process out of the cgroup that limits how many processes there are."""
    _move_aside([each for each in directories if os.path.exists(f"{each}/pids.max")], procfs.parent(pid))  # noqa: PTH110


def _move_aside(directories: list[str], shim: int) -> None:
    """Move a shim out of those of a container's cgroups that it is in: see cgroups(7), /proc/PID/cgroup.

    In version 1 into the one above, in version 2 into one beside: there one that hands controllers down can have no processes:
    admin-guide/cgroup-v2, no internal processes.
    """
    paths = tuple(line.split(":", 2)[2] for line in read_text(f"/proc/{shim}/cgroup").splitlines())
    for directory in directories:
        if not directory.endswith(paths):
            continue
        is_v2 = os.path.exists(f"{directory}/cgroup.controllers")  # noqa: PTH110
        aside = _aside(directory) if is_v2 else os.path.dirname(directory)  # noqa: PTH120
        os.makedirs(aside, exist_ok=True)  # noqa: PTH103
        write_text(f"{aside}/cgroup.procs", str(shim))


def freeze(engine: Engine, container: Container) -> None:
    """Stop all processes of a container that runs, but not its shim, which has to answer. Raises Unavailable."""
    directories = removal.freezers(cgroup_directories(engine, container))
    if not directories:
        raise Unavailable(f"{container} cannot be paused: it has no cgroup of its own, or that has no freezer")
    _move_aside(directories, procfs.parent(container.state.pid))
    removal.freeze(directories)


def thaw(engine: Engine, container: Container) -> None:
    """Let them go on. The shim stays where it is."""
    removal.thaw(cgroup_directories(engine, container))


def _aside(directory: str) -> str:
    return f"{directory}-shim"


def _had_oom_kill(directory: str) -> bool:
    files = (f"{directory}/{name}" for name in ("memory.events", "memory.oom_control"))  # of version 2, and 1
    file = next(filter(os.path.exists, files), None)
    if file is None:
        return False
    with suppress(OSError):
        return any(line.startswith("oom_kill ") and line != "oom_kill 0" for line in read_text(file).splitlines())
    return False
