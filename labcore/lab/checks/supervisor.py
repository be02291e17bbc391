"""Runs one check and prints its verdict as JSON: `python -m labcore.lab.checks.supervisor STEP FILE SEED`.

Standard input is the lifeline: when it ends, so does the check. See labcore.lab.sandbox.
"""

import json
import os
import select
import socket
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from labcore.errors import LabcoreError
from labcore.lab.checks.inside import scenario_of
from labcore.lab.checks.scenario import GATE, Facts, Scenario, drawn
from labcore.lab.checks.seen import descendants
from labcore.lab.checks.verdict import Claim, Verdict
from labcore.lab.sandbox import Output, few_processes, ignore_keyboard, start
from labcore.lab.say import say
from labcore.native import Process

SECONDS = 8.0
TICK = 0.01
PRINTED_LIMIT = 2000


class Check:
    """One check under way: the sandbox, what it has reported, and what was seen of its container."""

    def __init__(self, scenario: Scenario, facts: Facts) -> None:
        self.scenario = scenario
        self.facts = facts
        self.claims: list[Claim] = []
        self.looked = False
        self.reports: dict[str, Any] = {}
        self.printed = bytearray()
        self._pending = b""

    def carry_out(self, step: str, file: str, undo: ExitStack) -> str:
        """Run it to its end. Returns `ended` or `timeout`; ends this program when the lifeline does."""
        ours, theirs = socket.socketpair()
        undo.enter_context(ours)
        reader, writer = os.pipe()
        undo.callback(os.close, reader)
        with theirs:
            sandbox = undo.enter_context(start("labcore.lab.checks.inside", stdin=theirs.fileno(), output=writer))
            os.close(writer)
        request = {"step": step, "file": file, "facts": self.facts.as_dict()}
        ours.sendall(json.dumps(request).encode() + b"\n")
        return self._watch(sandbox, ours, Output(reader, self.printed.extend, PRINTED_LIMIT))

    def _watch(self, sandbox: Process, channel: socket.socket, output: Output) -> str:
        deadline = time.monotonic() + SECONDS
        sources = {channel.fileno(), output.fd, 0}
        while time.monotonic() < deadline:
            ready, _, _ = select.select(sources, [], [], TICK)
            if 0 in ready and not os.read(0, 1):
                sys.exit(3)
            if output.fd in ready and not output.pump():
                sources.discard(output.fd)
            if channel.fileno() in ready and not self._hear(channel):
                sources.discard(channel.fileno())
            if not self.looked:
                self._look_below(sandbox.pid)
            if sandbox.poll() is not None and channel.fileno() not in sources:
                return "ended"
        return "timeout"

    def _hear(self, channel: socket.socket) -> bool:
        """Take in reports; return whether more may come."""
        chunk = b""
        with suppress(OSError):
            chunk = channel.recv(1 << 16)
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        for line in lines:
            with suppress(ValueError):
                event = json.loads(line)
                self.reports.setdefault(event["event"], event)
        return bool(chunk)

    def _look_below(self, pid: int) -> None:
        """Look at the container if it waits at the gate, and then open that."""
        for process in descendants(pid):
            with suppress(OSError, StopIteration):
                if self.facts.token in process.command and (gate := _at_the_gate(self.facts)) is not None:
                    try:
                        self.claims += self.scenario.observe(process, self.facts)
                    finally:
                        self.looked = True
                        os.write(gate, b"\n")
                        os.close(gate)
                    return

    def conclude(self) -> None:
        """Judge what was returned, or say what happened instead."""
        if "tripped" in self.reports:
            self.claims.insert(0, Claim(say("the step is your own: labcore's version was called"), False))
        if "raised" in self.reports:
            self.claims.append(Claim(say("your step runs without an error"), False))
            self.printed += ("\n" if self.printed else "").encode() + self.reports["raised"]["text"].encode()
        elif "returned" not in self.reports:
            self.claims.append(Claim(say("your step comes to its end: its process was killed, or ended itself"), False))
        elif not self.looked:
            self.claims.insert(0, Claim(say("a container was started with the program that was asked for"), False))
        else:
            self.claims += self.scenario.conclude(self.reports["returned"]["value"], self.facts)


def _at_the_gate(facts: Facts) -> int | None:
    """Return the gate, open for writing, if somebody waits to read there."""
    try:
        return os.open(Path(facts.root, GATE), os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def verdict_on(step: str, file: str, seed: int) -> Verdict:
    """Carry out one check."""
    with ExitStack() as undo:
        undo.enter_context(few_processes())
        facts = undo.enter_context(drawn(seed))
        check = Check(scenario_of(step), facts)
        outcome = check.carry_out(step, file, undo)
    if outcome == "timeout":
        check.claims.append(Claim(say("it ends within {n} seconds", n=f"{SECONDS:g}"), False))
    else:
        check.conclude()
    passed = bool(check.claims) and all(claim.holds for claim in check.claims)
    printed = "" if passed else bytes(check.printed).decode(errors="replace")[-PRINTED_LIMIT:]
    return Verdict(step, "passed" if passed else "failed", tuple(check.claims), printed=printed.strip(), seed=seed)


def main() -> int:
    """Print the verdict."""
    ignore_keyboard()
    step, file, seed = sys.argv[1:]
    try:
        verdict = verdict_on(step, file, int(seed))
    except LabcoreError as error:
        verdict = Verdict(step, "failed", (Claim(str(error), False),), seed=int(seed))
    print(json.dumps(verdict.to_json()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
