"""The small first process of a PID namespace: it reaps, passes signals on, and ends as its child does."""

import signal
import time
from pathlib import Path

import pytest

from labcore.native import PIPE, CloneFlag, MountFlag, Process, program
from labcore.runtime import Plan, ops, spawn
from tests.conftest import needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


def start(*argv: str) -> Process:
    plan = Plan(
        [
            ops.Clone(CloneFlag.NEWPID | CloneFlag.NEWNS),
            ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
            ops.Mount("proc", "/proc", "proc"),
            ops.Execve((program("labcore-init"), *argv), ("PATH=/usr/bin:/bin",)),
        ]
    )
    return spawn(plan, stdin=PIPE, stdout=PIPE, stderr=PIPE)


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -KILL $$"], 137),
        (["/nonesuch"], 127),
        (["/etc/passwd"], 126),
    ],
)
def test_it_ends_as_its_child_does(argv: list[str], code: int) -> None:
    with start(*argv) as process:
        process.communicate()
        assert process.returncode == code


def test_orphans_are_reaped() -> None:
    script = "for i in 1 2 3 4 5; do (sleep 0.05 &) ; done; sleep 0.4; grep -l 'State:.Z' /proc/[0-9]*/status; echo seen"
    with start("sh", "-c", script) as process:
        out, _ = process.communicate(timeout=10)
    assert out == b"seen\n"


def test_what_is_left_dies_with_it() -> None:
    with start("sh", "-c", "setsid sleep 4714 & sleep 0.1") as process:
        process.wait(10)
    assert not [path for path in Path("/proc").glob("[0-9]*/comm") if _command(path) == b"sleep\x004714\x00"]


def _command(path: Path) -> bytes:
    try:
        return path.with_name("cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGWINCH])
def test_signals_are_passed_on(number: int) -> None:
    script = f"trap 'echo got; exit 9' {number}; echo ready; while :; do sleep 0.05; done"
    with start("sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill(number)
        assert process.stdout.readline() == b"got\n"
        assert process.wait(10) == 9


def test_a_signal_without_a_handler_ends_the_program() -> None:
    with start("sleep", "60") as process:
        time.sleep(0.2)
        process.kill(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM
