"""A check's time limit: a step's own seconds count, asleep or at work, and not those in which it had no processor."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from labcore.lab.checks import Verdict, time_limit
from labcore.lab.checks.time_limit import RunDelay, TimeLimit
from labcore.lab.workspace import Workspace
from tests.conftest import needs_root
from tests.threads import Started

SLEEPER = "import time; print('asleep', flush=True); time.sleep(600)"
# As nice as what runs in a sandbox.
HOG = "import os\nos.nice(10)\nprint('begun', flush=True)\nwhile True:\n    pass"
# Takes so many seconds of a processor, four times, each time in a process of its own.
WORK = """
import subprocess, sys
def burn(seconds):
    code = f"import time\\nwhile time.process_time() < {seconds}:\\n    pass"
    for _ in range(4):
        subprocess.run([sys.executable, "-S", "-c", code], check=True)
"""
LIMITED = """
import json, sys
from labcore.lab.checks import lesson_01, supervisor, time_limit
time_limit.MOST_WAITED_SECONDS = 600.0  # whatever else runs on this machine
seconds, *arguments = sys.argv[1:]
lesson_01.SCENARIOS["hostname"] = lesson_01.SCENARIOS["hostname"].replace(seconds=float(seconds))
sys.argv[1:] = arguments
supervisor.main()
"""


@contextmanager
def one_processor() -> Iterator[None]:
    """Let this thread, and what it starts, run on one processor only: sched_setaffinity(2)."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def started(source: str) -> Iterator[int]:
    """Run a program, from its first line of output on, until the block ends; yield its number."""
    with Started([sys.executable, "-S", "-c", source], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


@contextmanager
def hogs(count: int) -> Iterator[None]:
    """Keep a processor busy, and be bound to it with all that is started."""
    with one_processor(), ExitStack() as undo:
        for _ in range(count):
            undo.enter_context(started(HOG))
        yield


def looked(pid: int, until: float) -> RunDelay:
    """Look until a process has waited so many seconds for a processor."""
    delay = RunDelay()
    deadline = time.monotonic() + 60
    while delay.seconds < until:
        assert time.monotonic() < deadline, delay.seconds
        delay.look([pid])
        time.sleep(0.01)
    return delay


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_who_sleeps_waits_for_no_processor() -> None:
    with started(SLEEPER) as pid:
        while state(pid) != "S":
            time.sleep(0.01)
        delay = RunDelay()
        delay.look([pid])
        before = delay.seconds
        for _ in range(5):
            time.sleep(0.05)
            delay.look([pid])
        assert delay.seconds == before


def test_who_works_beside_a_hog_waits_for_a_processor_and_that_is_still_known_when_it_has_ended() -> None:
    with hogs(1):
        with started(HOG) as first:
            delay = looked(first, 0.3)
        with started(HOG) as second:
            delay.look([first, second])
            before = delay.seconds
            assert before >= 0.3
            while delay.seconds < before + 0.3:
                time.sleep(0.01)
                delay.look([first, second])


def test_a_wait_that_goes_on_counts() -> None:
    """The kernel counts it when it is over: a process that does not come to run at all would have waited for nothing."""
    with one_processor(), started(HOG) as pid:
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
        with hogs(3):
            delay = RunDelay()
            deadline = time.monotonic() + 60
            delay.look([pid])
            while delay.seconds < known(pid) + 0.05:
                assert time.monotonic() < deadline
                time.sleep(0.01)
                delay.look([pid])


def known(pid: int) -> float:
    """Return the seconds that the kernel says a process has waited: proc_pid_schedstat(5)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def test_a_limit_is_exceeded_by_one_who_sleeps() -> None:
    with started(SLEEPER) as pid:
        limit = TimeLimit(pid, 0.2)
        while not (why := limit.exceeded()):
            time.sleep(0.01)
        assert why == "timeout"


def test_what_is_given_back_has_an_end_and_that_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "MOST_WAITED_SECONDS", 0.2)
    with hogs(8), started(HOG) as pid:
        limit = TimeLimit(pid, 1.0)
        while not (why := limit.exceeded()):
            time.sleep(0.01)
        assert why == "busy"


def verdict(work: str, seconds: float, directory: Path) -> Verdict:
    """Check an answer that works first, with a time limit of so many seconds."""
    workspace = Workspace(directory)
    workspace.save("hostname", f"{WORK}\n\ndef hostname(spec):\n    {work}\n    return [ops.SetHostname(spec.hostname)]\n")
    words = [str(seconds), "hostname", str(workspace.file), "1", "1"]
    with Started([sys.executable, "-c", LIMITED, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None

        return Verdict.from_json(json.loads(supervisor.stdout.read()))


@pytest.mark.usefixtures("nothing_left")
def test_a_right_answer_that_is_kept_waiting_is_accepted(tmp_path: Path) -> None:
    """Each of its processes waits for longer than the limit, and none of them for as long as all together."""
    needs_root()
    with hogs(3):
        found = verdict("burn(0.2)", 3.0, tmp_path)
    assert found.state == "passed", found
