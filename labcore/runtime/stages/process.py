"""Stages for the process itself: its network, streams and terminal, limits, rights, and its program."""

from __future__ import annotations

from functools import cache, lru_cache

from labcore.errors import InvalidInput
from labcore.native import Capability
from labcore.runtime import ops
from labcore.runtime.terminal import OpenTerminal, console_device
from labcore.runtime.userns import groups_are_fixed
from labcore.spec import DEFAULT_PATH, SeccompFilter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.runtime.ops import Op
    from labcore.spec import CapabilitySets, ContainerSpec, SeccompProfile


def network(spec: ContainerSpec) -> list[Op]:
    """Switch on the loopback interface: a new network namespace has one, and it is down."""
    return [ops.LinkUp("lo")] if "network" in spec.namespaces else []


def streams(spec: ContainerSpec) -> list[Op]:
    """Have the pipes that the process has for its streams given to its user, if that is not root out here."""
    if spec.terminal or not (spec.user.uid or spec.uid_map):
        return []
    from labcore.runtime.stdio import give_streams

    return [ops.Sync("gives the user the streams", lambda process: give_streams(process.pid, spec.user.uid))]


def terminal(spec: ContainerSpec) -> list[Op]:
    """Give the process a terminal, if it is to have one; who takes its other end is the launch's to say."""
    return [*terminal_of(spec), *console_device()] if spec.terminal else []


def terminal_of(spec: ContainerSpec) -> list[Op]:
    """Return the op that opens the terminal, if there is to be one."""
    return [OpenTerminal(spec.user.uid, spec.console_size)] if spec.terminal else []


def rlimits(spec: ContainerSpec) -> list[Op]:
    """Set resource limits, and how and with whose memory this process runs."""
    plan: list[Op] = []
    if spec.rlimits:
        plan.append(ops.SetRlimits(_numbered(spec)))
    if spec.scheduler:
        plan.append(ops.SetScheduler(spec.scheduler))
    if spec.io_priority:
        plan.append(ops.SetIoPriority(spec.io_priority))
    if spec.memory_policy:
        plan.append(ops.SetMemoryPolicy(spec.memory_policy))
    if spec.personality is not None:
        plan.append(ops.Personality(spec.personality))
    return plan


def _numbered(spec: ContainerSpec) -> tuple[tuple[str, int, int, int], ...]:
    import resource

    found = []
    for limit in spec.rlimits:
        number = getattr(resource, f"RLIMIT_{limit.name}", None)
        if number is None:
            raise InvalidInput(f"rlimits: no such limit: {limit.name}: see setrlimit(2)")
        found.append((limit.name, number, limit.soft, limit.hard))
    return tuple(found)


@cache
def _capabilities(names: tuple[str, ...]) -> tuple[Capability, ...]:
    try:
        return tuple(Capability[name] for name in names)
    except KeyError as error:
        raise InvalidInput(f"capabilities: no such capability: {error.args[0]}: see capabilities(7)") from None


@cache
def _bounded(sets: CapabilitySets) -> tuple[Op, ...]:
    return (ops.BoundCapabilities(_capabilities(sets.bounding)),)


@cache
def _kept(sets: CapabilitySets) -> tuple[Op, ...]:
    kept = (sets.effective, sets.permitted, sets.inheritable, sets.ambient)
    return (ops.SetCapabilities(*(_capabilities(names) for names in kept)),)


@lru_cache(maxsize=16)
def _filter(given: SeccompProfile | SeccompFilter | None) -> tuple[Op, ...]:
    if given is None:
        return ()
    from labcore.runtime.seccomp.compile import FLAGS, compiled

    ready = given if isinstance(given, SeccompFilter) else compiled(given)
    return (ops.LoadFilter(ready.program, sum(FLAGS[name] for name in ready.flags)),)


def confine(spec: ContainerSpec) -> list[Op]:
    """Become the user, and give up the parts of root's power that the spec does not name.

    The filter: without no_new_privs it takes CAP_SYS_ADMIN to load one, so it comes before capabilities are given up; with it,
    last, and then it need not allow what happens here.
    """
    user = spec.user
    changes = user.uid != 0 or user.gid != 0 or bool(user.groups)
    groups = None if not user.groups and groups_are_fixed(spec) else user.groups
    become: list[Op] = [ops.KeepCapabilities(), ops.SetUser(user.uid, user.gid, groups)] if changes else []
    filtering = _filter(spec.seccomp)
    early, late = ((), filtering) if spec.no_new_privileges else (filtering, ())
    no_new: list[Op] = [ops.NoNewPrivileges()] if spec.no_new_privileges else []
    return [*_bounded(spec.capabilities), *no_new, *early, *_entered(spec), *become, *_kept(spec.capabilities), *late]


def _entered(spec: ContainerSpec) -> list[Op]:
    """Enter the working directory while there is still the right to: the user's own may not suffice, nor may root's."""
    return [ops.TryChdir(spec.workdir)] if spec.workdir != "/" or spec.user.uid else []


def program(spec: ContainerSpec) -> list[Op]:
    """Become the container's program."""
    candidates = ops.search_path(spec.argv[0], spec.environment, DEFAULT_PATH)
    become = ops.Execve(spec.argv, ops.last_of_each(spec.environment), candidates)
    return [ops.Chdir(spec.workdir, otherwise=True), ops.Umask(spec.user.umask), become]
