"""The sequence of a launch: one ordered list of stages, `stage(spec) -> list[Op]`, with named sync points between them.

A sync point is where the process waits while its launcher works from outside: hooks of the OCI runtime specification, the
container's network link, its terminal. A learner's function takes the place of the stage of its name.
"""

from __future__ import annotations

import os
from functools import lru_cache

from labcore.errors import InvalidInput
from labcore.native.spawn import PRESERVED_DESCRIPTOR
from labcore.record import Record
from labcore.runtime import ops
from labcore.runtime.plan import Plan
from labcore.runtime.probe import confined, mapped
from labcore.runtime.stages import filesystem, namespaces, process, rootfs
from labcore.runtime.stages.rootfs import BEHIND_SYNC
from labcore.runtime.terminal import TerminalTaken, give_to_shim
from labcore.spec import SeccompProfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Final, Literal, TypeAlias

    from labcore.native import Process
    from labcore.runtime.ops import Op
    from labcore.spec import ContainerSpec

Stage: TypeAlias = "Callable[[ContainerSpec], Sequence[Op]]"
Action: TypeAlias = "Callable[[Process], None]"
SyncPoint: TypeAlias = "Literal['namespaces', 'rootfs', 'terminal', 'listener', 'created']"

STAGES: Final[Mapping[str, Stage]] = {
    "limits": namespaces.limits,
    "namespaces": namespaces.namespaces,
    "users": namespaces.users,
    "keyring": namespaces.keyring,
    "hostname": namespaces.hostname,
    "sysctls": namespaces.sysctls,
    "rootfs": rootfs.rootfs,
    "mounts": filesystem.mounts,
    "devices": filesystem.devices,
    "network": process.network,
    "workdir": filesystem.workdir,
    "streams": process.streams,
    "terminal": process.terminal,
    "protection": filesystem.protection,
    "rlimits": process.rlimits,
    "confine": process.confine,
    "exec": process.program,
}
EXEC_FIFO_REGISTER: Final = 63


class LaunchOptions(Record):
    """How a container is launched: what is its launcher's, and not its own.

    `dies_with_parent`: it is killed when whoever started it dies. `reset_affinity`: it runs on all processors of its cgroup,
    whatever its starter is kept to. `preserve_fds` is how many descriptors its program finds open from 3 on. With
    `mounts_in_order` /proc/self/mountinfo lists the container's mounts as the spec does. At the FIFO `exec_fifo` it waits for
    its start. `filter_cache` is a directory of compiled seccomp filters.
    `syncs` are the launcher's work at the sync points: `namespaces` (they are there, nothing is mounted yet), `rootfs` (all is
    mounted below the root's directory, and the host's root is still `/`), `terminal` (its other end is to be taken; by default
    the shim gets it), `listener` (the filter is there, and its listener to be taken), `created` (all is done but becoming the
    program). `networks` are those that it is connected to at `namespaces`, for the plan as it is printed.
    """

    dies_with_parent: bool = True
    reset_affinity: bool = False
    preserve_fds: int = 0
    mounts_in_order: bool = False
    exec_fifo: str = ""
    filter_cache: str = ""
    syncs: tuple[tuple[SyncPoint, Action], ...] = ()
    networks: tuple[str, ...] = ()

    def at(self, point: SyncPoint, what: str) -> list[Op]:
        """Return the sync of that point; none, if the launcher has nothing to do there."""
        return [ops.Sync(what, action) for name, action in self.syncs if name == point]


DEFAULT: Final = LaunchOptions()


def make_plan(spec: ContainerSpec, stages: Mapping[str, Stage | None] | None = None, options: LaunchOptions = DEFAULT) -> Plan:
    """Compile a spec: the ops of all stages in the order of STAGES, with what the launch adds between them.

    `stages` replaces stages by name; None leaves one out. Raises InvalidInput for an unknown name.
    """
    if stages or options.syncs:  # whose actions are of one launch alone
        return _compile(spec, stages or {}, options)
    seen = (*filesystem.seen_on_disk(spec), os.geteuid(), confined(), mapped("gid_map"))
    return _default_plan(spec, options, seen)


@lru_cache(maxsize=8)  # of 300 KB each; a daemon starts none twice
def _default_plan(spec: ContainerSpec, options: LaunchOptions, seen: tuple[object, ...]) -> Plan:  # noqa: ARG001
    return _compile(spec, {}, options)


def _compile(spec: ContainerSpec, stages: Mapping[str, Stage | None], options: LaunchOptions) -> Plan:
    spec = _with_compiled_filter(spec, options.filter_cache)
    made = made_by(spec, stages)
    _check_room(made["rootfs"], options.preserve_fds)
    mounts = _in_order(made["mounts"]) if options.mounts_in_order else made["mounts"]
    mounted = [*made["rootfs"], *mounts, *made["devices"]]
    before_program, program = made["exec"][:-1], made["exec"][-1:]
    confine, late = filter_apart(made["confine"])
    return _plan(
        [
            *made["limits"],
            *made["namespaces"],
            *([ops.DieWithParent()] if options.dies_with_parent else []),
            *([ops.ResetAffinity()] if options.reset_affinity else []),
            *_closed_descriptors(_has_sync(made, spec, options), options),
            *made["users"],
            *options.at("namespaces", _namespaces_are_there(options)),
            *made["keyring"],
            *made["hostname"],
            *made["sysctls"],
            *_with_root_hooks(mounted, spec, options.at("rootfs", "all is mounted")),
            *made["network"],
            *made["workdir"],
            *made["streams"],
            *made["terminal"],
            *(terminal_taken(options) if spec.terminal else []),
            *made["protection"],
            *made["rlimits"],
            *heard(confine, options),
            *before_program,
            *heard(late, options),
            *started(options),
            *(_said_aloud(program) if options.exec_fifo else program),
        ],
        options,
        typed=not stages,
    )


def filter_apart(confine: Sequence[Op]) -> tuple[Sequence[Op], Sequence[Op]]:
    """Return the ops that confine, and apart from them a filter that comes last: it need not allow what is still to be done."""
    return (confine[:-1], confine[-1:]) if confine and isinstance(confine[-1], ops.LoadFilter) else (confine, ())


def made_by(
    spec: ContainerSpec, stages: Mapping[str, Stage | None], names: Iterable[str] = STAGES
) -> dict[str, list[Op]]:  # fmt: skip
    """Return the ops of the stages of these names. Raises InvalidInput for one that is replaced and unknown."""
    if unknown := set(stages) - set(STAGES):
        raise InvalidInput(f"no such stage: {', '.join(sorted(unknown))}; there are {', '.join(STAGES)}")
    chosen = {name: stages.get(name, STAGES[name]) for name in names}
    return {name: _ops_of(stage, spec, name) if stage is not None else [] for name, stage in chosen.items()}


def _ops_of(stage: Stage, spec: ContainerSpec, name: str) -> list[Op]:
    if stage is STAGES.get(name):
        return list(stage(spec))
    from labcore.runtime.ops.fields import ops_of  # knows what goes wrong in a stage of somebody else's

    return ops_of(stage, spec, name)


def _namespaces_are_there(options: LaunchOptions) -> str:
    if not options.networks:
        return "namespaces are there"
    return f"connects network{'s' * (len(options.networks) > 1)} {', '.join(options.networks)}"


def started(options: LaunchOptions) -> list[Op]:
    """Return what comes before the program: the last word to the launcher, the wait for `start`, descriptors handed on."""
    waiting: list[Op] = [ops.WaitForStart(EXEC_FIFO_REGISTER)] if options.exec_fifo else []
    preserved: list[Op] = [ops.PreserveFds(options.preserve_fds)] if options.preserve_fds else []
    return [*options.at("created", "ready"), *waiting, *preserved]


def _plan(made: list[Op], options: LaunchOptions, *, typed: bool) -> Plan:
    if options.dies_with_parent:  # a change of user unsets it: prctl(2), PR_SET_PDEATHSIG
        made = [each for op in made for each in ([op, ops.DieWithParent()] if isinstance(op, ops.SetUser) else [op])]
    return Plan(made, typed=typed)


def _with_compiled_filter(spec: ContainerSpec, cache: str) -> ContainerSpec:
    if not cache or not isinstance(spec.seccomp, SeccompProfile):
        return spec
    from labcore.runtime.seccomp.compile import compiled  # with hashlib, for those only who filter calls

    return spec.replace(seccomp=compiled(spec.seccomp, cache))


def _has_sync(made: Mapping[str, Sequence[Op]], spec: ContainerSpec, options: LaunchOptions) -> bool:
    return bool(options.syncs or spec.terminal or any(isinstance(op, ops.Sync) for stage in made.values() for op in stage))


def _closed_descriptors(synced: bool, options: LaunchOptions) -> list[Op]:
    """Close all inherited descriptors before any untrusted path is opened, but for the sync's and those that are preserved."""
    closed = ops.CloseDescriptors(BEHIND_SYNC if synced else BEHIND_SYNC - 1, options.preserve_fds)
    fifo = ops.OpenExecFifo(options.exec_fifo, EXEC_FIFO_REGISTER, options.preserve_fds)
    return [closed, fifo] if options.exec_fifo else [closed]


def terminal_taken(options: LaunchOptions) -> list[Op]:
    """Return the sync at which the launcher, by default the shim, takes the terminal's other end; then it is closed."""
    taken = options.at("terminal", "takes the terminal") or [ops.Sync("takes the terminal", give_to_shim)]
    return [*taken, TerminalTaken()]


def _with_root_hooks(mounted: list[Op], spec: ContainerSpec, hooks: list[Op]) -> list[Op]:
    """Return the ops that mount everything, and have the launcher work while the host's root is still there, if it is to."""
    if not hooks:
        return mounted
    from labcore.runtime.stages.root_hooks import with_hooks  # the OCI runtime's alone

    return with_hooks(mounted, spec.root.directory, hooks)


def heard(confine: Sequence[Op], options: LaunchOptions) -> list[Op]:
    """Return the ops that confine, and behind a filter with a listener those by which the launcher takes that."""
    if not any(isinstance(op, ops.LoadFilter) and op.has_listener for op in confine):
        return list(confine)
    from labcore.runtime.listener import with_listener_taken  # few filters have one

    return with_listener_taken(confine, options.at("listener", "takes the filter's listener"))


def _in_order(mounts: Sequence[Op]) -> list[Op]:
    return [op.replace(fresh=True) if isinstance(op, ops.MoveMount) else op for op in mounts]


def _check_room(receiving: Sequence[Op], preserved: int) -> None:
    """Raise InvalidInput if what is handed over would be counted into the descriptors that the program is to find open."""
    room = PRESERVED_DESCRIPTOR - BEHIND_SYNC
    count = sum(op.count for op in receiving if isinstance(op, ops.Receive))
    if preserved and count > room:
        raise InvalidInput(f"--preserve-fds: with a user namespace at most {room} bind mounts, these are {count}")


def _said_aloud(become_program: Sequence[Op]) -> list[Op]:
    """Behind the exec FIFO nobody hears of a failure but the reader of the container's standard error."""
    return [op.replace(aloud=True) if isinstance(op, ops.Execve) else op for op in become_program]
