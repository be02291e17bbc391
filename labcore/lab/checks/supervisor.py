"""Check supervisor: runs one check and prints its verdict as JSON.

`python -m labcore.lab.checks.supervisor STEP FILE SEED LESSON`. Standard input is the lifeline: when it ends, so does the
check. See labcore.lab.sandbox.
"""

import json
import os
import select
import socket
import stat
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from labcore.errors import LabcoreError
from labcore.lab.cgroups import prepared
from labcore.lab.checks import tripwires
from labcore.lab.checks.process_view import ProcessView, descendants
from labcore.lab.checks.scenario import GATE, SOCKET, Converse, Draw, Observe, Scenario, drawn
from labcore.lab.checks.scenarios import scenario_of
from labcore.lab.checks.time_limit import MOST_WAITED_SECONDS, TimeLimit
from labcore.lab.checks.verdict import Claim, Verdict
from labcore.lab.checks.wire import ANSWER_SECONDS, Wire
from labcore.lab.messages import say
from labcore.lab.sandbox import Output, limit_processes, start, supervise
from labcore.native import Process

START_SECONDS = 30.0  # until it is called: an emulated machine imports for seconds
TICK = 0.01  # from one look for the container to the next
WAIT_SECONDS = 0.05  # for a report, an end, or the time limit, while no container is looked for
PRINTED_LIMIT = 2000


class Check:
    """A running check: the sandbox, its reports, and the claims about its container."""

    def __init__(self, scenario: Scenario, draw: Draw, lesson: int) -> None:
        self.scenario = scenario
        self.lesson = lesson
        self.draw = draw
        self.claims: list[Claim] = []
        self.looked = False
        self.reports: dict[str, Any] = {}
        self.printed = bytearray()
        self._pending = bytearray()
        self._gate: int | None = None

    def carry_out(self, step: str, file: str, undo: ExitStack) -> str:
        """Run it to its end. Return `ended`, `timeout` or `busy`, as TimeLimit does; exit when the lifeline ends."""
        ours, theirs = socket.socketpair()
        undo.enter_context(ours)
        reader, writer = os.pipe()
        undo.callback(os.close, reader)
        with theirs:
            sandbox = undo.enter_context(
                start(
                    "labcore.lab.checks.inside", stdin=theirs.fileno(), output=writer, writable=(self.draw.place, *prepared())
                )
            )
            os.close(writer)
        request = {"step": step, "file": file, "lesson": self.lesson, "draw": self.draw.as_dict()}
        ours.sendall(json.dumps(request).encode() + b"\n")
        try:
            return self._watch(sandbox, ours, Output(reader, self.printed.extend, PRINTED_LIMIT))
        finally:
            if self._gate is not None:
                os.close(self._gate)

    def _watch(self, sandbox: Process, channel: socket.socket, output: Output) -> str:
        limit, begun = TimeLimit(sandbox.pid, START_SECONDS), False
        end = sandbox.fileno()
        sources = {channel.fileno(), output.fd, end, 0}
        while True:
            if over := limit.exceeded():
                return over
            looking = begun and not self.looked
            ready, _, _ = select.select(sources, [], [], TICK if looking else WAIT_SECONDS)
            if 0 in ready and not os.read(0, 1):
                sys.exit(3)
            if output.fd in ready and not output.pump():
                sources.discard(output.fd)
            if channel.fileno() in ready and not self._hear(channel):
                sources.discard(channel.fileno())
            if "begun" in self.reports and not begun:
                begun = True
                limit.restart(self.scenario.seconds)
            if begun and not self.looked:
                started = time.monotonic()
                self._look_below(sandbox.pid)
                self._ask(sandbox.pid)
                if self.looked:
                    limit.give(time.monotonic() - started)  # that was the check's time, not the step's
            if sandbox.poll() is not None:
                sources.discard(end)
                if channel.fileno() not in sources:
                    return "ended"

    def _hear(self, channel: socket.socket) -> bool:
        """Read reports; return whether more may come."""
        chunk = b""
        with suppress(OSError):
            chunk = channel.recv(1 << 16)
        self._pending += chunk
        if b"\n" not in chunk:  # a step may return megabytes, of which each piece is not to be split again
            return bool(chunk)
        *lines, self._pending = self._pending.split(b"\n")
        for line in lines:
            with suppress(ValueError):
                event = json.loads(line)
                self.reports.setdefault(event["event"], event)
        return bool(chunk)

    def _look_below(self, pid: int) -> None:
        """Observe the container if it waits at the gate, and then open the gate."""
        if self.scenario.argv is None or self.scenario.observe is None:
            return
        container = _running(self.scenario.argv(self.draw), pid)
        if container is not None and (gate := _at_the_gate(self.draw, container)) is not None:
            self.looked = True
            self.claims += _all_claims(self.scenario.observe, container, self.draw)
            with suppress(OSError):
                os.write(gate, b"\n")
            os.close(gate)

    def _ask(self, pid: int) -> None:
        """Converse with the learner's daemon once it listens, and then open the gate, at which it waits for its end."""
        wire = Wire(Path(self.draw.place, SOCKET), pid)
        if self.scenario.converse is None or not wire.path.is_socket():
            return
        self.looked = True
        self.claims += _all_said(self.scenario.converse, wire, self.draw)
        self._gate = os.open(Path(self.draw.root, GATE), os.O_RDWR | os.O_NOFOLLOW)  # it may not be at the gate yet
        os.write(self._gate, b"\n")

    def conclude(self) -> None:
        """Judge the returned value, or report the failure."""
        if "raised" in self.reports:
            self.claims.append(Claim(say("your step raised an error"), False))
            self.printed += ("\n" if self.printed else "").encode() + self.reports["raised"]["text"].encode()
        elif "returned" not in self.reports:
            self.claims.append(Claim(say("your step did not come to its end: its process was killed, or ended itself"), False))
        elif not self.looked and self.scenario.converse is not None:
            self.claims.insert(0, Claim(say("no daemon was seen"), False))
        elif not self.looked and self.scenario.argv is not None:
            self.claims.insert(0, Claim(say("no container was seen that runs the program that was asked for"), False))
        else:
            try:
                self.claims += self.scenario.conclude(self.reports["returned"]["value"], self.draw)
            except (LabcoreError, OSError, LookupError, TypeError, ValueError, AttributeError) as error:
                self.claims.append(Claim(say("what was to be looked at afterwards was there"), False, str(error)))
        if "sprung" in self.reports or Path(self.draw.root, tripwires.SPRUNG).exists():
            self.claims.insert(0, Claim(tripwires.text(), False))


def _running(argv: tuple[str, ...], below: int) -> ProcessView | None:
    """Return the process that runs this program: the outermost, for its children begin as copies of it."""
    for process in descendants(below):
        with suppress(OSError):
            if tuple(process.command) == argv:
                return process
    return None


def _at_the_gate(draw: Draw, container: ProcessView) -> int | None:
    """Return the gate, a FIFO, open for writing, if a process waits to read it; an overlay's is another than its layer's."""
    for path in (Path(draw.root, GATE), Path(f"/proc/{container.pid}/root", GATE)):
        with suppress(OSError):
            gate = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            if stat.S_ISFIFO(os.fstat(gate).st_mode):
                return gate
            os.close(gate)
    return None


def _all_claims(observe: Observe, process: ProcessView, draw: Draw) -> list[Claim]:
    """Make all observations; if the container ends before the last one, none of them counts."""
    claims: list[Claim] = []
    try:
        claims += observe(process, draw)
    except (OSError, StopIteration, RuntimeError, LabcoreError, LookupError, ValueError) as error:
        claims.append(Claim(say("the container was there until all had been looked at"), False, str(error)))
    return claims


def _all_said(converse: Converse, wire: Wire, draw: Draw) -> list[Claim]:
    """Ask all questions; at the first that is not answered it is over."""
    from http.client import HTTPException  # most checks do without

    claims: list[Claim] = []
    try:
        claims += converse(wire, draw)
    except (OSError, HTTPException, LabcoreError, LookupError, TypeError, ValueError, AttributeError) as error:
        said = (
            say("no answer came within {n} seconds", n=f"{ANSWER_SECONDS:g}") if isinstance(error, TimeoutError) else str(error)
        )
        claims.append(Claim(say("the daemon answered until all had been asked"), False, said))
    return claims


def verdict_on(step: str, file: str, seed: int, lesson: int) -> Verdict:
    """Run a lesson's check of a step, once or twice."""
    scenario = scenario_of(step, lesson)
    claims: list[Claim] = []
    printed = ""
    for others in (False, True)[: 1 + scenario.twice]:
        with ExitStack() as undo:
            undo.enter_context(limit_processes())
            draw = undo.enter_context(drawn(seed, others=others))
            undo.enter_context(scenario.prepare(draw))
            check = Check(scenario, draw, lesson)
            with ExitStack() as sandbox:
                outcome = check.carry_out(step, file, sandbox)
            if outcome != "ended":
                check.claims.append(Claim(_too_late(outcome, scenario.seconds, begun="begun" in check.reports), False))
            else:
                check.conclude()
        claims += [claim.replace(draw=1 + others) for claim in check.claims]
        printed = bytes(check.printed).decode(errors="replace")[-PRINTED_LIMIT:].strip()
        if not claims or not all(claim.holds for claim in claims):
            return Verdict(step, "failed", tuple(claims), printed=printed, seed=seed)
    return Verdict(step, "passed", tuple(claims), seed=seed)


def _too_late(outcome: str, seconds: float, *, begun: bool) -> str:
    """Return what to say of a check that was not done in time."""
    if not begun:
        return say("the check did not begin within {n} seconds: this machine has too much to do", n=f"{START_SECONDS:g}")
    if outcome == "busy":
        return say(
            "it waited for a processor for more than {n} seconds: does it loop, or has this machine too much to do?",
            n=f"{MOST_WAITED_SECONDS:g}",
        )
    return say("it was not done after {n} seconds: does it loop, or wait?", n=f"{seconds:g}")


def main() -> int:
    """Print the verdict."""
    supervise()
    step, file, seed, lesson = sys.argv[1:]
    try:
        verdict = verdict_on(step, file, int(seed), int(lesson))
    except (LabcoreError, OSError) as error:
        verdict = Verdict(step, "failed", (Claim(str(error), False),), seed=int(seed))
    print(json.dumps(verdict.to_json()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
