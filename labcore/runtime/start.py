"""spawn: a plan carried out by the extension or by the monitor, which is imported when a plan needs it."""

from __future__ import annotations

import errno

from labcore.errors import InvalidInput, StepFailed, SystemCallError
from labcore.native import Started, Streams, spawn_sharing
from labcore.native.block import born_in
from labcore.native.spawn import CGROUP_DESCRIPTOR, PRESERVED_DESCRIPTOR
from labcore.runtime.ops import Pause, Sync
from labcore.runtime.plan import CARRIERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labcore.native import Process, Report, Stream
    from labcore.runtime.plan import Carrier, Plan
    from labcore.runtime.shim import Shim
    from labcore.unix_sockets import Channel


def spawn(
    plan: Plan,
    *,
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
    carrier: Carrier | None = None,
    until_sync: bool = False,
    release: bool = False,
    preserved: Sequence[int] = (),
    shim: Shim | None = None,
    cgroup: int = -1,
    kept_output: Mapping[int, int] | None = None,
) -> Process:
    """Start a process by a plan and return it once its program runs, with `process.timeline` filled in.

    Each stream is None (ours), `labcore.PIPE`, `labcore.DEVNULL`, a descriptor or an open file. `carrier` is what the plan's
    ops demand; a plan that may share memory can be given to the monitor all the same.

    With `until_sync` the process is returned when the starter has done its part in the plan's last `sync`; what becomes of the
    ops behind that is not known. With `release` it is let go of once its program runs, or before it passes that `sync`:
    whoever reaps this process's orphans will see its end, however soon that comes.

    `preserved` are descriptors that the plan hands on to its program: ops.PreserveFds. `shim` is a directory in which a monitor
    keeps it: its output is logged there, and it is found there again when this process is gone; its streams are the monitor's,
    and a release lets it run on. `cgroup` is that in which it is born, unless the plan names one (see
    `labcore.native.block.born_in`). `kept_output` are ends of its output's pipes, by their numbers in its monitor,
    which has them too (`labcore.native.monitor`): when this process has gone, it throws away what comes.
    Raises StepFailed, with the op, the cause and the cure, if any op fails; then no process is left.
    """
    if carrier is not None and carrier not in CARRIERS:
        raise InvalidInput(f"carrier: there is no {carrier!r}: there are {', '.join(CARRIERS)}")
    streams = Streams(stdin, stdout, stderr)
    try:
        if shim is not None:
            started = _spawn_with_shim(plan, shim, cgroup)
        elif kept_output is not None:
            from labcore.native.monitor import KEEPS_OUTPUT

            started = _spawn_monitored(plan, streams, False, False, kept_output, KEEPS_OUTPUT, cgroup)
        elif release and not until_sync:
            return _spawn_released(plan, streams, handed_on(preserved), cgroup)
        elif plan.carrier == "extension" and carrier != "monitor" and not preserved:
            born_in_it = cgroup if plan.clone.cgroup < 0 else -1
            started = spawn_sharing(plan.shared_block, attempts=plan.attempts, streams=streams, cgroup=born_in_it)
        else:
            started = _spawn_monitored(plan, streams, until_sync, release, lent=handed_on(preserved), cgroup=cgroup)
    except SystemCallError as error:
        if error.call == "clone3":
            raise _failure(plan, plan.clone_index, error.errno or 0, error.call, error.arguments) from None
        raise
    return _checked(plan, started.process, started.report) if started.report else started.process


def _spawn_released(plan: Plan, streams: Streams, lent: Mapping[int, int], cgroup: int) -> Process:
    """Start a process, and let go of it once its program runs: until then nobody reaps it."""
    from labcore.native.monitor import WAITS, let_reap

    started = _spawn_monitored(plan, streams, False, False, lent, WAITS, cgroup)
    process, report = started.process, started.report
    assert report
    if not _has_begun(plan, report):
        let_reap(process)
    _checked(plan, process, report).release()
    return process


def handed_on(preserved: Sequence[int]) -> dict[int, int]:
    """Return where a plan finds the descriptors that it hands on."""
    return {PRESERVED_DESCRIPTOR + number: fd for number, fd in enumerate(preserved)}


def _spawn_with_shim(plan: Plan, shim: Shim, cgroup: int) -> Started:
    from labcore.runtime.shim.start import shim_streams

    terminal = any(op.name == "terminal" for op in plan)
    with shim_streams(shim, terminal=terminal) as (streams, descriptors):
        made = _spawn_monitored(plan, streams, False, False, descriptors.lent, descriptors.words, cgroup)
        return Started(_checked(plan, made.process, made.report) if made.report else made.process, None)


def _spawn_monitored(
    plan: Plan, streams: Streams, until_sync: bool, release: bool, lent: Mapping[int, int],
    words: tuple[str, ...] = (), cgroup: int = -1,
) -> Started:  # fmt: skip
    from labcore.native.monitor import NotCloned, spawn_monitored

    syncs = [op for op in plan if isinstance(op, Sync)]

    def at_sync(process: Process, channel: Channel) -> bool:
        for op in syncs:
            if not channel.recv(1):
                return False  # the child has failed before it came this far; the report says where
            given = op.action(process)
            if release and op is syncs[-1]:
                process.release()
            if given:
                _hand_over(channel, given)
            else:
                channel.send(b"!")
        return True

    named = plan.clone.cgroup
    block = plan.block(CGROUP_DESCRIPTOR if named >= 0 else -1)
    if named < 0 <= cgroup:
        block = bytes(born_in(block, cgroup, CGROUP_DESCRIPTOR))
    if named >= 0 or cgroup >= 0:
        lent = {**lent, CGROUP_DESCRIPTOR: named if named >= 0 else cgroup}
    try:
        return spawn_monitored(block, lent=lent, words=words, streams=streams, at_sync=at_sync, until_sync=until_sync)
    except NotCloned as refused:
        index, step = plan.steps[refused.report.failed]
        raise _failure(plan, index, refused.report.error, step.call, step.arguments) from None


def _hand_over(channel: Channel, descriptors: Sequence[int]) -> None:
    """Send descriptors, and let go of them here."""
    import os

    try:
        channel.send_fds(b"!", descriptors)
    finally:
        for fd in descriptors:
            os.close(fd)


def _has_begun(plan: Plan, report: Report) -> bool:
    """Return whether a process has become its program.

    That is looked for at several places, one attempt after another: which of them it is found at does not matter.
    """
    return bool(report.failed < 0 and report.reached > len(plan.steps) - max(1, plan.attempts))


def _checked(plan: Plan, process: Process, report: Report) -> Process:
    """Return the process if it has become its program; else reap it and say what happened."""
    if _has_begun(plan, report):
        process.draw_timeline = lambda: plan.timeline(report)
        return process
    with process:
        code = process.wait()
    if report.failed >= 0:
        index, step = plan.steps[report.failed]
        raise _failure(plan, index, _telling_error(plan, report), step.call, step.arguments)
    from labcore.runtime.explain import explain_death

    index, step = plan.steps[max(0, report.reached - 1)]
    cause, cure = explain_death(-code if code < 0 else 0)
    op, index = str(plan.ops[index]), _shown_index(plan, index)
    raise StepFailed(errno.ECANCELED, step.call, step.arguments, index=index, op=op, cause=cause, cure=cure)


def _telling_error(plan: Plan, report: Report) -> int:
    """Return the errno to report: of several candidates for a program, one that was found and refused tells more."""
    index, _ = plan.steps[report.failed]
    attempts = [o.error for (i, _), o in zip(plan.steps, report.outcomes, strict=True) if i == index and o.started]
    return errno.EACCES if errno.EACCES in attempts else report.error


def _failure(plan: Plan, index: int, number: int, call: str, arguments: str) -> StepFailed:
    from labcore.runtime.explain import explain

    cause, cure = explain(plan, index, call, number)
    op, index = str(plan.ops[index]), _shown_index(plan, index)
    return StepFailed(number, call, arguments, index=index, op=op, cause=cause, cure=cure)


def _shown_index(plan: Plan, index: int) -> int:
    """Return an op's number in the plan as it is printed: without the pauses of whoever steps through it."""
    return sum(not isinstance(op, Pause) for op in plan.ops[:index])
