"""Warm checks: each check is made by a copy of a process that has imported all, and costs a tenth of what a new one does.

As a program: reads a request a line, `{"lesson": …, "step": …, "source": …}`, and answers each with its verdict as JSON.
The values of a check are drawn from its source, the same in each run: luck is what `make mutants` looks for.
"""

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from labcore.lab.checks import Verdict
from labcore.language import VARIABLE
from tests.conftest import PROJECT
from tests.mutation.mutants import Mutant
from tests.mutation.run import outcomes
from tests.mutation.sandbox import warm_up
from tests.threads import Started


class WarmChecks:
    """The process that makes them, one after the other."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def verdict_on(self, step: str, source: str, lesson: int) -> Verdict:
        """Check a step whose source stands in `my_runtime.py` as given."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"lesson": lesson, "step": step, "source": source}) + "\n")
        self._process.stdin.flush()
        return Verdict.from_json(json.loads(self._process.stdout.readline()))


@contextmanager
def warm_checks(**variables: str) -> Iterator[WarmChecks]:
    """Have that process run, with these environment variables, while the `with` lasts."""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE} | variables
    command, pipe = [sys.executable, "-m", __name__], subprocess.PIPE
    with Started(command, env=environment, stdin=pipe, stdout=pipe, text=True, cwd=PROJECT) as process:
        yield WarmChecks(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


def main() -> None:
    """Answer requests until there are no more."""
    warm_up()
    for request in map(json.loads, sys.stdin):
        seed = zlib.crc32(request["source"].encode())
        (outcome,) = outcomes([Mutant(change="", **request)], workers=1, seed=seed)
        print(json.dumps(outcome.verdict.to_json()), flush=True)


if __name__ == "__main__":
    main()
