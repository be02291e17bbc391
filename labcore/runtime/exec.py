"""exec: a further process in a running container, by setns(2) into all of its namespaces."""

from __future__ import annotations

from functools import lru_cache

from labcore.native import CloneFlag
from labcore.native.spawn import PRESERVED_DESCRIPTOR
from labcore.procfs import namespace, namespaces
from labcore.runtime import ops
from labcore.runtime.plan import Plan
from labcore.runtime.stages.namespaces import become_root_of, before_joining
from labcore.runtime.stages.process import terminal_of
from labcore.runtime.stages.rootfs import BEHIND_SYNC
from labcore.runtime.stages.sequence import DEFAULT, filter_apart, heard, made_by, started, terminal_taken
from labcore.runtime.userns import belongs_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from labcore.runtime.ops import Op
    from labcore.runtime.stages.sequence import LaunchOptions, Stage
    from labcore.spec import ContainerSpec

# In which order they are joined: the user's early, for its rights are needed in those that belong to it.
NAMESPACES: Final = (
    (CloneFlag.NEWTIME, "time"),
    (CloneFlag.NEWUSER, "user"), (CloneFlag.NEWIPC, "ipc"), (CloneFlag.NEWUTS, "uts"), (CloneFlag.NEWNET, "net"),
    (CloneFlag.NEWPID, "pid"), (CloneFlag.NEWCGROUP, "cgroup"), (CloneFlag.NEWNS, "mnt"),
)  # fmt: skip
OF_A_PROCESS: Final = ("limits", "keyring", "rlimits", "confine", "exec")


def exec_plan(
    spec: ContainerSpec,
    pid: int,
    *,
    stages: Mapping[str, Stage | None] | None = None,
    options: LaunchOptions = DEFAULT,
    affinities: tuple[tuple[int, ...], tuple[int, ...]] = ((), ()),
    cgroups: tuple[str, ...] = (),
) -> Plan:
    """Return the plan of a further process in the container whose process is `pid`: it joins all of its namespaces.

    Of the spec counts what is the process's own: cgroups, limits, rights, user, terminal, program. `affinities` are the
    processors on which it runs until it is in the container's cgroups, and then. `cgroups` are entered by the process alone,
    the spec's also by its monitor. A monitor that stays outside does not join the cgroup namespace: ops.EnterCgroups.
    """
    made = made_by(spec, stages or {}, OF_A_PROCESS)
    joins = joined_namespaces(pid)
    namespace = "" if spec.cgroups else next((path for flag, path in joins if flag == CloneFlag.NEWCGROUP), "")
    if namespace:
        joins = tuple(each for each in joins if each[1] != namespace)
    initial, final = affinities
    confine, late = filter_apart(made["confine"])
    opened, entered = _alone_in(cgroups, namespace, PRESERVED_DESCRIPTOR + options.preserve_fds)
    return Plan(
        [
            *([ops.SetAffinityBefore(initial)] if initial else []),
            *made["limits"],
            *before_joining(spec),
            *opened,
            *([ops.JoinNamespaces(joins)] if joins else []),
            ops.Clone(),
            *entered,
            ops.NewSession(),
            ops.Umask(0),
            ops.CloseDescriptors(BEHIND_SYNC, options.preserve_fds),
            *enter_root(pid),
            *become_root_of(spec),
            *made["keyring"],
            *terminal_of(spec),
            *(terminal_taken(options) if spec.terminal else []),
            *([ops.SetAffinity(final)] if final else [ops.ResetAffinity()] if options.reset_affinity and not initial else []),
            *made["rlimits"],
            *heard(confine, options),
            *made["exec"][:-1],
            *heard(late, options),
            *started(options),
            *made["exec"][-1:],
        ],
        typed=not stages,
    )


@lru_cache(maxsize=64)
def _alone_in(cgroups: tuple[str, ...], namespace: str, first: int) -> tuple[Sequence[Op], Sequence[Op]]:
    """Return the ops by which a process without its monitor enters cgroups and their namespace: the monitor's, and its own."""
    if not (cgroups or namespace):
        return [], []
    return [ops.OpenCgroups(cgroups, first, namespace)], [ops.EnterCgroups(first, len(cgroups), bool(namespace))]


def joined_namespaces(pid: int) -> tuple[tuple[CloneFlag, str], ...]:
    """Return the namespaces of a process that are not this one's own already, in the order in which they can be joined.

    Those that belong to another user namespace than the process's come before that: clocks that were shifted, which are the
    machine's own, and what a container with other users shares with one of its kind.
    """
    theirs, ours = namespaces(pid), namespaces("self")
    names = [(flag, name) for flag, name in NAMESPACES if theirs.get(name) != ours.get(name)]
    if theirs.get("user") != ours.get("user"):
        names.sort(key=lambda each: each[1] == "user" or belongs_to(f"/proc/{pid}/ns/{each[1]}", f"/proc/{pid}/ns/user"))
    return tuple((flag, f"/proc/{pid}/ns/{name}") for flag, name in names)


def enter_root(pid: int) -> list[Op]:
    """Return the op that makes a process's root one's own, where joining its namespaces does not."""
    apart = namespace(pid, "mnt") != namespace("self", "mnt")
    return [] if apart else [ops.EnterRoot(pid)]
