"""Warm sandbox: the check's sandbox as a copy of this process, in which all is imported, in place of a new interpreter.

The plan is the sandbox's own (labcore.lab.sandbox.sandbox_plan), but for its last op: what would be executed is forked. So a
check costs a tenth of a second instead of a whole one.
"""

import gc
import os
from collections.abc import Callable, Sequence
from importlib import import_module

from labcore import lab, native
from labcore.lab import vocabulary
from labcore.lab.checks import inside, supervisor
from labcore.lab.checks.scenario import REFERENCE
from labcore.lab.lessons import LESSONS
from labcore.lab.sandbox import sandbox_plan
from labcore.native import Process, Step, Stream
from labcore.native.process import OwnChild, threads
from labcore.native.step import Argument, Register, perform
from labcore.runtime.ops import Clone, DieWithParent, Op
from labcore.runtime.ops.fields import ops_of
from labcore.spec import BindRoot, ContainerSpec, IdRange, OverlayRoot

TICK = 0.03  # seconds: several supervisors that look for their containers all the time would take the processor from these

LATER = (  # modules that are imported when they are needed first
    "encodings.idna", "labcore.native.libseccomp", "labcore.native.monitor", "labcore.runtime.explain",
    "labcore.runtime.explain_mounts",
)  # fmt: skip


def warm_up() -> None:
    """Import what checks and steps need, and let every check of this process and its children begin warm."""
    for lesson in LESSONS:
        import_module(f"labcore.lab.solutions.lesson_{lesson.number:02}")
        for step in (*lesson.steps, *lesson.challenges):
            assert inside.forbidden(step, inside.scenario_of(step, lesson.number))
    for name in LATER:
        import_module(name)
    inside.hold_references("")
    for root in (BindRoot("/"), OverlayRoot("/", (".",), ".")):  # the types of ops' fields are looked up once
        spec = ContainerSpec(root, ("sh",), hostname="box", uid_map=(IdRange(0, 1, 1),))
        for step in ("namespaces", "hostname", "rootfs", "confine"):
            assert ops_of(getattr(REFERENCE, step), spec)
    REFERENCE.__dict__.clear()
    for name in ("bound_devices", "cgroup", "fetch", "manifest", "seccomp", "store", "tag", "tray"):
        getattr(lab, name)
    assert vocabulary.__all__
    supervisor.start = start  # type: ignore[attr-defined]
    supervisor.TICK = TICK
    gc.freeze()


def start(module: str, *, stdin: Stream, output: Stream, writable: Sequence[str] = ()) -> Process:
    """Start a sandbox in which the check runs: labcore.lab.sandbox.start."""
    clone, *walked, _ = sandbox_plan(module, writable).ops
    assert isinstance(clone, Clone)
    assert isinstance(stdin, int)
    assert isinstance(output, int)

    def begin() -> Process:
        return native.clone(lambda: _become(walked, stdin, output), flags=clone.flags)

    return begin() if threads() == 1 else _without_threads(begin)


def _without_threads(begin: Callable[[], Process]) -> Process:
    """Begin it in a copy of this process that has none of its threads, as a check with a registry has: fork(2).

    The copy ends as the sandbox does; if it is killed, so is the sandbox.
    """
    if (pid := os.fork()) == 0:
        code = 1
        try:
            walk(DieWithParent().steps)
            with begin() as process:
                code = process.wait()
        finally:
            os._exit(code & 0xFF)
    pidfd = os.pidfd_open(pid)
    return Process(pid, pidfd, OwnChild(pidfd))


def _become(walked: Sequence[Op], stdin: int, output: int) -> int:
    """Be process 1 of the sandbox: make the ops, fork the check, and reap."""
    walk([step for op in walked for step in op.steps])
    for number, fd in enumerate((stdin, output, output)):
        os.dup2(fd, number)
    os.closerange(3, 1 << 12)
    with native.clone(inside.main) as check:
        return check.wait()


def walk(steps: Sequence[Step]) -> None:
    """Make system calls as the walker does, with its registers."""
    registers: dict[int, int] = {}

    def value(argument: Argument) -> Argument:
        return registers[argument.number] if isinstance(argument, Register) else argument

    for step in steps:
        if step.unless is None or registers.get(step.unless, -1) < 0:
            made = perform(step.replace(args=tuple(map(value, step.args))))
            if step.result is not None:
                registers[step.result] = made
