"""Mutation run: mutants are checked, several at once, each by a copy of this process."""

import json
import os
import re
import selectors
import signal
import time
import tomllib
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from labcore.lab.checks import Claim, Verdict
from labcore.lab.checks.supervisor import verdict_on
from labcore.lab.workspace import Workspace
from labcore.record import Record
from tests.mutation.mutants import Mutant

LIST: Final = Path(__file__).with_name("equivalent.toml")
TIMEOUT_SECONDS: Final = 120.0
TOO_SLOW: Final = r"it was not done after|the check did not begin within|it waited for a processor"
NO_VERDICT: Final = "the check ended without a verdict"


class Outcome(Record):
    """A mutant and what its check said of it."""

    mutant: Mutant
    verdict: Verdict

    @property
    def accepted(self) -> bool:
        """Whether the check has passed it."""
        return self.verdict.state == "passed"

    @property
    def unknown(self) -> bool:
        """Whether the check has ended without a verdict."""
        return any(claim.text.startswith(NO_VERDICT) for claim in self.verdict.claims)

    @property
    def too_slow(self) -> bool:
        """Whether only its time has run out, which on a machine with too much to do says nothing of what is equivalent."""
        failed = [claim.text for claim in self.verdict.claims if not claim.holds]
        return bool(failed) and all(re.search(TOO_SLOW, text) for text in failed)


def equivalents() -> dict[tuple[int, str, str], str]:
    """Return the mutants that do what the solution does, by lesson, step and change, each with the reason."""
    found = {}
    for entry in tomllib.loads(LIST.read_text(encoding="utf-8"))["equivalent"]:
        for change in entry["changes"]:
            found[entry["lesson"], entry["step"], change] = entry["reason"]
    return found


def outcomes(
    mutants: Iterable[Mutant], workers: int = 2, seed: int | None = None, until: float | None = None
) -> Iterator[Outcome]:
    """Check mutants, and yield the outcomes as they come; none is begun after `until` (time.monotonic)."""
    waiting = iter(mutants)
    with selectors.DefaultSelector() as selector:
        while True:
            while len(selector.get_map()) < workers and (until is None or time.monotonic() < until):
                if (mutant := next(waiting, None)) is None:
                    break
                child = _Child(mutant, seed)
                selector.register(child.reader, selectors.EVENT_READ, child)
            if not selector.get_map():
                return
            for key, _ in selector.select(TIMEOUT_SECONDS):
                if (verdict := key.data.read()) is not None:
                    selector.unregister(key.fd)
                    yield Outcome(mutant=key.data.mutant, verdict=verdict)


class _Child:
    """A check in a process of its own, which is the supervisor of that check."""

    def __init__(self, mutant: Mutant, seed: int | None) -> None:
        self.mutant = mutant
        self.reader, writer = os.pipe()
        lifeline, self.lifeline = os.pipe()
        self.answer = b""
        self.pid = os.fork()
        if self.pid == 0:
            _check(mutant, int.from_bytes(os.urandom(4)) if seed is None else seed, lifeline, writer)
        os.close(writer)
        os.close(lifeline)

    def read(self) -> Verdict | None:
        """Read what has come; return the verdict once the process has ended."""
        if chunk := os.read(self.reader, 1 << 16):
            self.answer += chunk
            return None
        os.close(self.reader)
        os.close(self.lifeline)
        _, status = os.waitpid(self.pid, 0)
        if not self.answer:
            return Verdict(self.mutant.step, "failed", (Claim(f"{NO_VERDICT}: status {status}", False),))
        return Verdict.from_json(json.loads(self.answer))


def _check(mutant: Mutant, seed: int, lifeline: int, writer: int) -> None:
    """Check a mutant, write the verdict, and end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = 1
    try:
        os.setsid()
        os.dup2(lifeline, 0)
        for fd in range(3, 1 << 8):
            if fd != writer:
                with suppress(OSError):
                    os.close(fd)
        with TemporaryDirectory(prefix="labcore-mutant-") as directory:
            workspace = Workspace(Path(directory))
            workspace.save(mutant.step, mutant.source)
            verdict = verdict_on(mutant.step, str(workspace.file), seed, mutant.lesson)
        with os.fdopen(writer, "w") as answer:
            json.dump(verdict.to_json(), answer)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
