"""The plan: a container start as a list of ops, to be printed, changed, and carried out."""

from __future__ import annotations

from functools import cached_property

from labcore.errors import InvalidInput
from labcore.native import CloneFlag, Prctl
from labcore.native.block import compile_block
from labcore.native.handover import attempts, with_handover
from labcore.record import Record
from labcore.runtime.containment import check_containment
from labcore.runtime.ops import Clone
from labcore.spec import Moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, Literal, Self, TypeAlias

    from labcore.native import Report, Step
    from labcore.runtime.ops import Op

Carrier: TypeAlias = "Literal['extension', 'monitor']"

CARRIERS: dict[Carrier, str] = {
    "extension": "the extension walks it, in a child that shares our memory until its exec",
    "monitor": "the monitor walks it, in a child that shares nothing with us",
}

TABLE_WIDTH = 104  # of a printed plan; `plan.ops[i]` shows a line in full


class Plan(Record):
    """A list of ops: the `clone` that makes the process, before it what the carrier does, behind it what the process does.

    Printing it gives the table. Take `plan.ops` apart and make a new Plan to change it. Raises InvalidInput for a list without
    a clone, with a second one, with an op that would reach the host (labcore.runtime.containment), or with a value that does
    not belong where it stands, unless its maker knows that there is none (`typed`: labcore's own stages).
    """

    ops: tuple[Op, ...]

    def __init__(self, ops: Iterable[Op], *, typed: bool = False) -> None:
        made = tuple(ops)
        if not typed:
            from labcore.runtime.ops.fields import check_fields  # which labcore's own plans do not need

            check_fields(made)
        super().__init__(made)

    def __post_init__(self) -> None:
        clones = [index for index, op in enumerate(self.ops) if isinstance(op, Clone)]
        if len(clones) != 1:
            raise InvalidInput(f"a plan has one clone, which makes the process; this one has it at {clones or 'no place'}")
        check_containment(self.ops)

    @property
    def clone(self) -> Clone:
        """The op that makes the process."""
        return next(op for op in self.ops if isinstance(op, Clone))

    @property
    def clone_index(self) -> int:
        """Which of the ops that is."""
        return next(index for index, op in enumerate(self.ops) if isinstance(op, Clone))

    @cached_property
    def before(self) -> int:
        """How many of the steps are made before the clone, by the monitor."""
        return sum(len(op.steps) for op in self.ops[: self.clone_index])

    @cached_property
    def carrier(self) -> Carrier:
        """Who walks the plan: decided by its ops alone."""
        sharing_is_safe = not self.before and not self.clone.flags & (CloneFlag.NEWUSER | CloneFlag.NEWTIME)
        return "extension" if sharing_is_safe and all(_may_share_memory(op) for op in self.ops) else "monitor"

    @cached_property
    def steps(self) -> tuple[tuple[int, Step], ...]:
        """All system calls after the clone, each with the index of its op."""
        return tuple((index, step) for index, op in enumerate(self.ops) for step in op.steps)

    def block(self, cgroup: int) -> bytes:
        """Return the plan as the walker reads it; `cgroup` is the descriptor that its clone means, -1 for none."""
        if cgroup not in self._blocks:
            self._blocks[cgroup] = self._compiled([step for _, step in self.steps], cgroup)
        return self._blocks[cgroup]

    def _compiled(self, steps: Sequence[Step], cgroup: int) -> bytes:
        flags = self.clone.flags | (CloneFlag.INTO_CGROUP if cgroup >= 0 else CloneFlag(0))
        return compile_block(steps, clone_flags=flags, cgroup=cgroup, before=self.before)

    @cached_property
    def shared_block(self) -> bytes:
        """The plan as the walker reads it in the extension, where another program makes the last steps: the `attempts`."""
        return self._compiled(with_handover([step for _, step in self.steps]), self.clone.cgroup)

    @cached_property
    def attempts(self) -> int:
        """How many of the last steps try to become the program: its names in the directories of PATH."""
        return attempts([step for _, step in self.steps])

    @cached_property
    def _blocks(self) -> dict[int, bytes]:
        return {}

    def replace(self, **changes: Any) -> Self:
        """Return a plan with other ops, checked as a new one is."""
        return type(self)(**(self.as_dict() | changes))

    def without(self, index: int) -> Self:
        """Return the plan with one op left out."""
        return type(self)(op for i, op in enumerate(self.ops) if i != index)

    def timeline(self, report: Report) -> tuple[Moment, ...]:
        """Return when each op began and how long it took; an op that was never reached is left out."""
        started: dict[int, list[int]] = {self.clone_index: [report.cloned]}
        for (index, _), outcome in zip(self.steps, report.outcomes, strict=True):
            if outcome.started:
                started.setdefault(index, []).append(outcome.started)
        begun = [at for at, *_ in started.values()]
        return tuple(
            self._moment(index, at - report.cloned, end - at, len(calls))
            for (index, calls), at, end in zip(started.items(), begun, [*begun[1:], report.returned], strict=True)
        )

    def _moment(self, index: int, start_ns: int, duration_ns: int, calls: int) -> Moment:
        return Moment(index, self.ops[index].name, self.ops[index].detail, start_ns / 1e3, duration_ns / 1e3, calls)

    def __iter__(self) -> Iterator[Op]:
        return iter(self.ops)

    def __len__(self) -> int:
        return len(self.ops)

    def __str__(self) -> str:
        width = max(len(op.name) for op in self.ops)
        table = (f"{index:2}  {op.name:{width}}  {op.detail}".rstrip() for index, op in enumerate(self.ops))
        lines = [line if len(line) <= TABLE_WIDTH else line[: TABLE_WIDTH - 1] + "…" for line in table]
        return "\n".join([*lines, f"carrier: {self.carrier} ({CARRIERS[self.carrier]})"])


# Calls that touch nothing but the child, though it shares our memory. All others go to the monitor: a child that has joined
# a container's namespaces can be opened from inside it, and our memory with it; one that changes users, its oom score or
# what /proc/self/… says changes ours.
MAY_SHARE_MEMORY = frozenset(
    {
        "mount", "umount2", "pivot_root", "mount_setattr", "open_tree", "move_mount", "chdir", "fchdir", "mkdirat", "mknodat",
        "symlinkat", "fchownat", "fchmodat", "utimensat", "umask", "setsid", "openat2", "sethostname", "setdomainname",
        "close_range", "close", "socket", "ioctl", "capset", "seccomp", "execve",
    }
)  # fmt: skip
PRCTL_MAY_SHARE_MEMORY = frozenset({Prctl.CAPBSET_DROP, Prctl.SET_PDEATHSIG, Prctl.SET_NO_NEW_PRIVS})


def _may_share_memory(op: Op) -> bool:
    return op.may_share_memory or all(_touches_the_child_alone(step) for step in op.steps)


def _touches_the_child_alone(step: Step) -> bool:
    if step.call == "prctl":
        return step.args[0] in PRCTL_MAY_SHARE_MEMORY
    return step.call in MAY_SHARE_MEMORY
