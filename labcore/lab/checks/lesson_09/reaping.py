"""Check of `reaper`: process 1 of a PID namespace, whose orphans are killed and which is given a signal, both from outside."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Final

from labcore import native
from labcore.lab.checks.containers import ended_as_drawn
from labcore.lab.checks.process_view import ProcessView, descendants
from labcore.lab.checks.scenario import GATE, INNER_GATE, Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.native import CloneFlag

ORPHANS: Final = 3
WAIT_SECONDS: Final = 5.0  # for what takes a millisecond, on a busy machine
PASSED_ON: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)  # one of them is drawn, and the second time another


def _signal(draw: Draw) -> signal.Signals:
    return PASSED_ON[draw.which - draw.again]


def _program(draw: Draw) -> tuple[str, ...]:
    """A program that leaves orphans, and waits: the first time it has a handler for the signal, the second time it has none.

    The orphans have sessions of their own, and end with 0 when they are asked to. From then on no child of the program's ends:
    a SIGCHLD that it is given is another's, and it fails.
    """
    handler = "" if draw.again else f"trap 'exit {draw.exit_code}' {_signal(draw).name.removeprefix('SIG')}; "
    shell = f"{draw.root}/bin/busybox"
    orphan = f"({shell} setsid {shell} sh -c 'trap \"exit 0\" TERM; read go < {draw.root}/{INNER_GATE}' &); "
    text = f"{handler}{orphan * ORPHANS}trap 'exit 1' CHLD; read go < {draw.root}/{GATE}; exit 1"
    return (f"{draw.root}/bin/sh", "-c", text, draw.token)


def _perform(mine: ModuleType, draw: Draw) -> list[int]:
    """Return the exit codes of two containers: of the program, and of one that ends with 0 at once."""
    return [_code(mine, argv) for argv in (_program(draw), (f"{draw.root}/bin/true",))]


def _code(mine: ModuleType, argv: tuple[str, ...]) -> int:
    with native.clone(lambda: mine.reaper(list(argv)), flags=CloneFlag.NEWPID) as first:
        return first.wait()


def _orphans(first: ProcessView) -> list[ProcessView]:
    """Return the children of process 1 but for the program itself: what is left of those whose parent has ended."""
    return [each for each in descendants(first.pid) if each.parent.pid == first.pid and each.numbers[-1] != 2]


def _comes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError, StopIteration, LookupError):  # a process that is gone in the middle of a look
            if condition():
                return True
        time.sleep(0.01)
    return False


def _observe(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    first = seen.parent
    its_own = first.numbers[-1] == 1 and Path(f"/proc/{first.pid}/exe").samefile("/proc/self/exe")
    yield Claim(say("the program is a child of process 1, which is your function"), its_own)
    if not its_own:
        return
    blocked = int(seen.status("SigBlk"), 16)
    yield Claim(say("no signal is blocked in the program"), not blocked, f"{blocked:x}")
    yield Claim(
        say("{n} orphans become its children, and it goes on", n=ORPHANS), _comes_true(lambda: len(_orphans(first)) == ORPHANS)
    )
    _end_together(first)
    yield Claim(
        say("orphans that end together are reaped, all of them: no zombie is left"),
        _comes_true(lambda: not _orphans(first)) and not _has_ended(first),
    )
    _send(first.pid, _signal(draw))
    ended = _comes_true(lambda: _has_ended(first))
    yield Claim(say("{signal}, given to process 1, ends the program, and then process 1", signal=_signal(draw).name), ended)


def _has_ended(process: ProcessView) -> bool:
    try:
        return process.status("State").startswith("Z")
    except (OSError, LookupError, StopIteration):  # nothing is left of it
        return True


def _end_together(first: ProcessView) -> None:
    """End the orphans while process 1 is stopped: it finds one SIGCHLD for all of them."""
    _send(first.pid, signal.SIGSTOP)
    with suppress(OSError, LookupError, StopIteration):  # it has ended meanwhile
        for each in _orphans(first):
            _send(each.pid, signal.SIGTERM)
    _comes_true(lambda: all(each.status("State").startswith("Z") for each in _orphans(first)))
    _send(first.pid, signal.SIGCONT)


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has ended: what is looked at next tells how
        os.kill(pid, number)


def _conclude(returned: list[int], draw: Draw) -> Iterator[Claim]:
    code, nothing = returned
    if draw.again:
        yield equal(say("128 and the number of the signal, where one has ended the program"), 128 + _signal(draw), code)
    else:
        yield from ended_as_drawn(code, draw)
    yield equal(say("0, where the program has ended with that"), 0, nothing)


REAPER = Scenario(_perform, _observe, _conclude, _program, twice=True)
