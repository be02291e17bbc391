"""Containment: no plan may reach the host. Lists of ops that would are refused before anything is started.

Three things lead out of a container before there is one: a step that is made on the wrong side of the clone, a change to
something of which the process has no namespace of its own, and a change to mounts that still propagate to the host's
(mount_namespaces(7)): where the host has a shared mount, whatever is attached or detached below its copy is so on the host too.
"""

from __future__ import annotations

from labcore.errors import InvalidInput
from labcore.native import CloneFlag, MountFlag
from labcore.runtime.ops import Clone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from labcore.native import Step
    from labcore.native.step import Argument
    from labcore.runtime.ops import Op

# Plain numbers: of these operations each start makes hundreds, and a flag takes Python longer than a system call.
REC, NEWNS, NEWUSER, ANY = int(MountFlag.REC), int(CloneFlag.NEWNS), int(CloneFlag.NEWUSER), ~0
PROPAGATION = int(MountFlag.SHARED | MountFlag.PRIVATE | MountFlag.SLAVE | MountFlag.UNBINDABLE)
CUT = int(MountFlag.PRIVATE | MountFlag.SLAVE)
TELLING = frozenset(("mount", "setns", "unshare"))  # calls by which namespaces and their mounts become others


def check_containment(ops: Sequence[Op]) -> None:
    """Raise InvalidInput, with the cure, for a list in which an op would reach the host. It must hold one clone."""
    _check_sides(ops, next(index for index, op in enumerate(ops) if isinstance(op, Clone)))
    own, cut = 0, False  # namespaces that are not the host's; is the mount tree cut off from the host's?
    for index, op in enumerate(ops):
        steps = [step for step in op.steps if step.call in TELLING]
        needs, returns = int(op.needs), int(op.returns)
        if not (steps or needs or returns or isinstance(op, Clone)):
            continue
        if missing := needs & ~own:
            name = CloneFlag(missing).name
            raise InvalidInput(f"op {index}, {op}: this would change the host itself: give the clone CloneFlag.{name}")
        if needs & NEWNS and not cut and not _only_sets_propagation(op):
            raise InvalidInput(
                f"op {index}, {op}: mounts still propagate to the host here: first "
                "Mount('none', '/', flags=MountFlag.REC | MountFlag.PRIVATE)"
            )
        entered = int(op.flags) if isinstance(op, Clone) else _entered(steps)
        own = (own | entered) & ~returns
        cut = (cut or _cuts(steps) or _comes_cut(steps, entered)) and not returns & NEWNS


def _check_sides(ops: Sequence[Op], clone: int) -> None:
    for index, op in enumerate(ops):
        if op.before_clone and index > clone:
            raise InvalidInput(
                f"op {index}, {op}: the carrier does this before it clones: put it in front of op {clone}, clone"
            )
        if not op.before_clone and index < clone:
            raise InvalidInput(f"op {index}, {op}: this is for the new process to do: put it behind op {clone}, clone")


def _entered(steps: Sequence[Step]) -> int:
    """Return the namespaces that steps change for others: unshare(2), setns(2), for which 0 means any kind."""
    entered = 0
    for step in steps:
        if step.call == "unshare":
            entered |= _number(step.args[0])
        elif step.call == "setns":
            entered |= _number(step.args[1]) or ANY
    return entered


def _number(argument: Argument) -> int:
    return int(argument) if isinstance(argument, int) else 0


def _comes_cut(steps: Sequence[Step], entered: int) -> bool:
    """Whether the mount namespace that steps enter propagates nothing to the host.

    One that is new in a new user namespace is a slave of the host's; one that is joined is another container's.
    """
    if any(step.call == "setns" for step in steps):
        return bool(entered & NEWNS)
    return entered & (both := NEWNS | NEWUSER) == both


def _cuts(steps: Sequence[Step]) -> bool:
    mounts = (step for step in steps if step.call == "mount")
    return any(step.args[1] == "/" and _number(step.args[3]) & REC and _number(step.args[3]) & CUT for step in mounts)


def _only_sets_propagation(op: Op) -> bool:
    return bool(op.steps) and all(step.call == "mount" and _number(step.args[3]) & PROPAGATION for step in op.steps)
