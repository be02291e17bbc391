"""Stepping: a plan with a pause before each op, and the kernel's state at each, read from /proc/PID (proc(5)).

The ops up to the clone are done when there is a process to be looked at: the first pause is behind that.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from labcore.record import Record
from labcore.runtime.kernel_state import Change, KernelState, changes, state_of
from labcore.runtime.ops import CloseDescriptors, Pause, PreserveFds
from labcore.runtime.plan import Plan
from labcore.runtime.stages.rootfs import BEHIND_SYNC

if TYPE_CHECKING:
    from collections.abc import Callable

    from labcore.native import Process
    from labcore.runtime.ops import Op

CHANGES_SHOWN = 14  # of one op: a new root changes each mount


class Stop(Record):
    """A start that waits before the op at `index` of the plan.

    `done` are the ops since the stop before, each with its index; `changes` is what they have changed in the kernel's `state`
    of the process `pid`.
    """

    index: int
    op: Op
    done: tuple[tuple[int, Op], ...]
    changes: tuple[Change, ...]
    state: KernelState
    pid: int

    def __str__(self) -> str:
        done = [f"✓ {index:2}  {op}" for index, op in self.done]
        hidden = len(self.changes) - CHANGES_SHOWN
        changed = [f"    {each}" for each in self.changes[:CHANGES_SHOWN]] or ["    nothing that /proc shows"]
        more = [f"    and {hidden} more"] if hidden > 0 else []
        return "\n".join([*done, *changed, *more, "", f"→ {self.index:2}  {self.op}"])


class GivenUp(Exception):
    """Raised by a `pause` to end the start: no process is left."""


def stepped(plan: Plan, pause: Callable[[Stop], None]) -> Plan:
    """Return the plan with a pause before each op behind the clone, at which `pause` is called; what it raises ends the start.

    The socket by which the process waits stays open for as long. Descriptors that are handed on to the program take its place:
    from there on nothing is stopped before.
    """
    looker = _Looker(plan, pause)
    ops: list[Op] = list(plan.ops[: plan.clone_index + 1])
    stops = True
    for index, op in enumerate(plan.ops[len(ops) :], len(ops)):
        if stops:
            ops.append(Pause(f"looks before op {index}", partial(looker.stop, index)))
        ops.append(_with_room(op))
        stops = stops and not isinstance(op, PreserveFds)
    return Plan(ops, typed=True)


def _with_room(op: Op) -> Op:
    return op.replace(first=max(op.first, BEHIND_SYNC)) if isinstance(op, CloseDescriptors) else op


class _Looker:
    """Compares the kernel's state at each stop with that at the one before: at the first, with this process's own."""

    def __init__(self, plan: Plan, pause: Callable[[Stop], None]) -> None:
        self._plan = plan
        self._pause = pause
        self._seen = 0
        self._before = state_of("self")

    def stop(self, index: int, process: Process) -> None:
        state = state_of(process.pid)
        done = tuple((number, self._plan.ops[number]) for number in range(self._seen, index))
        found = changes(self._before, state)
        self._seen, self._before = index, state
        self._pause(Stop(index, self._plan.ops[index], done, found, state, process.pid))
