"""Carry out a plan."""

import socket
from typing import NoReturn

from labcore.errors import StepFailed, SystemCallError
from labcore.native import Process, Report, Started, Stream, Streams, spawn_monitored, spawn_sharing
from labcore.native.spawn import CGROUP_DESCRIPTOR
from labcore.runtime.explain import explain, explain_death
from labcore.runtime.ops import Sync
from labcore.runtime.plan import Carrier, Plan


def spawn(
    plan: Plan,
    *,
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
    carrier: Carrier | None = None,
) -> Process:
    """Start a process by a plan and return it once its program runs, with `process.timeline` filled in.

    Each stream is None (ours), `labcore.PIPE`, `labcore.DEVNULL`, a descriptor or an open file. `carrier` is what the plan's
    ops demand; a plan that may share memory can be given to the monitor all the same.
    Raises StepFailed, with the op, the cause and the cure, if any op fails; then no process is left.
    """
    streams = Streams(stdin, stdout, stderr)
    try:
        if plan.carrier == "extension" and carrier != "monitor":
            started = spawn_sharing(plan.block(plan.clone.cgroup), streams=streams)
        else:
            started = _spawn_monitored(plan, streams)
    except SystemCallError as error:
        if error.call == "clone3":
            _fail(plan, 0, error.errno or 0, error.call, error.arguments)
        raise
    return _checked(plan, started)


def _spawn_monitored(plan: Plan, streams: Streams) -> Started:
    cgroup = plan.clone.cgroup
    syncs = [op for op in plan if isinstance(op, Sync)]

    def at_sync(process: Process, channel: socket.socket) -> None:
        for op in syncs:
            if not channel.recv(1):
                return  # the child has failed before it came this far; the report says where
            op.action(process)
            channel.send(b"!")

    block = plan.block(CGROUP_DESCRIPTOR if cgroup >= 0 else -1)
    return spawn_monitored(block, cgroup=cgroup, streams=streams, at_sync=at_sync)


def _checked(plan: Plan, started: Started) -> Process:
    """Return the process if every step was made; else reap it and say what happened."""
    process, report = started
    steps = plan.steps
    if report.failed < 0 and report.reached == len(steps):
        process.draw_timeline = lambda: plan.timeline(report)
        return process
    with process:
        code = process.wait()
    if report.failed < 0:
        index, step = steps[max(0, report.reached - 1)]
        cause, cure = explain_death(-code if code < 0 else 0)
        raise StepFailed(125, step.call, step.arguments, index=index, op=str(plan.ops[index]), cause=cause, cure=cure)
    number = _telling_error(plan, report)
    index, step = steps[report.failed]
    _fail(plan, index, number, step.call, step.arguments)


def _telling_error(plan: Plan, report: Report) -> int:
    """Return the errno to report: of several candidates for a program, one that was found and refused tells more."""
    index, _ = plan.steps[report.failed]
    attempts = [o.error for (i, _), o in zip(plan.steps, report.outcomes, strict=True) if i == index and o.started]
    return next((error for error in attempts if error == 13), report.error)


def _fail(plan: Plan, index: int, number: int, call: str, arguments: str) -> NoReturn:
    cause, cure = explain(plan, index, call, number)
    raise StepFailed(number, call, arguments, index=index, op=str(plan.ops[index]), cause=cause, cure=cure)
