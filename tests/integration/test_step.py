"""Stepping through a container's start: `labcore run --step` on a terminal, and `lab.step_through` in a notebook."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labcore import lab, plan, procfs
from labcore.engine import Engine
from labcore.errors import StepFailed
from labcore.native import CloneFlag
from labcore.runtime import Plan, ops
from labcore.runtime.kernel_state import Change, KernelState, changes
from labcore.runtime.stepping import GivenUp, Stop, stepped
from labcore.spec import Resources
from tests.conftest import needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")

PROMPT = b"(step) "
WAIT_SECONDS = 30


@pytest.fixture
def root(engine: Engine) -> Path:
    needs_root()
    return engine.root


class Terminal:
    """A pseudo-terminal on which a command runs."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self.master = master
        self.process = process

    def read_until(self, text: bytes) -> str:
        """Return what comes, up to that text; or to the end, if it is empty."""
        found, deadline = b"", time.monotonic() + WAIT_SECONDS
        while not text or text not in found:
            assert select.select([self.master], [], [], deadline - time.monotonic())[0], found
            try:
                block = os.read(self.master, 4096)
            except OSError:  # the other end is closed
                block = b""
            if not block:
                assert not text, found
                break
            found += block
        return found.decode().replace("\r\n", "\n")

    def say(self, line: str) -> None:
        os.write(self.master, line.encode() + b"\n")


@contextmanager
def stepping(root: Path, *words: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    command = [sys.executable, "-P", "-m", "labcore", "--root", str(root), "run", "--step", "--rm", "--network", "none", *words]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as process:
        os.close(slave)
        try:
            yield Terminal(master, process)
        finally:
            process.kill()
            os.close(master)


def test_each_op_is_shown_before_it_is_done(root: Path) -> None:
    with stepping(root, "--hostname", "stepped", "busybox", "sh", "-c", 'echo "I am $(hostname)"') as terminal:
        first = terminal.read_until(PROMPT)
        assert re.search(r"✓  0  clone NEWNS", first)
        for kind in ("mnt", "pid", "uts", "ipc", "net"):
            assert f"~ namespace {kind}: {kind}:[" in first
        seen = [first]
        while "execve" not in seen[-1]:
            terminal.say("n" if len(seen) % 2 else "")
            seen.append(terminal.read_until(PROMPT))
        text = "\n".join(seen)
        assert re.search(r"✓ \d+  mount proc on /proc .*\n    \+ mount /proc: proc rw,nosuid,nodev,noexec", text)
        assert re.search(r"✓ \d+  pivot_root \. \.\n(    .*\n)*    - mount /", text)
        assert re.search(r"✓ \d+  umask 022\n    ~ ids umask: 0000 → 0022", text)
        assert re.search(r"✓ \d+  seccomp a filter .*\n(    .*\n)*    ~ ids seccomp mode: 0 → 2", text)
        assert re.search(r"✓ \d+  bounding set keep .*\n    ~ capabilities bounding: \d+ left, without audit_control ", text)
        assert re.search(
            r"✓ \d+  capabilities keep effective: .*\n(    .*\n)*    ~ capabilities effective: \d+ left, without", text
        )
        terminal.say("n")
        assert "I am stepped\n" in terminal.read_until(b"")
        assert terminal.process.wait(WAIT_SECONDS) == 0


def test_the_prompt_knows_three_words(root: Path) -> None:
    with stepping(root, "busybox", "sh", "-c", "echo went on; exit 3") as terminal:
        terminal.read_until(PROMPT)
        terminal.say("what?")
        assert "n: do this op (so does Enter), c: go on to the end, q: give the start up" in terminal.read_until(PROMPT)
        terminal.say("c")
        rest = terminal.read_until(b"")
        assert PROMPT.decode() not in rest
        assert "went on\n" in rest
        assert terminal.process.wait(WAIT_SECONDS) == 3


def test_a_start_that_is_given_up_leaves_nothing(root: Path) -> None:
    with stepping(root, "--memory", "64m", "busybox", "sleep", "600") as terminal:
        terminal.read_until(PROMPT)
        for _ in range(8):
            terminal.say("n")
            terminal.read_until(PROMPT)
        (monitor,) = procfs.children(terminal.process.pid)
        children = procfs.children(monitor)
        assert len(children) == 1
        terminal.say("q")
        assert "the start is given up: nothing of it is left" in terminal.read_until(b"")
        assert terminal.process.wait(WAIT_SECONDS) == 125
        assert all(procfs.has_ended(pid) for pid in (monitor, *children))


def test_a_program_with_a_terminal_gets_it_behind_the_prompt(root: Path) -> None:
    with stepping(root, "-it", "busybox", "sh", "-c", "tty; read line; echo got $line") as terminal:
        terminal.read_until(PROMPT)
        terminal.say("n")
        terminal.read_until(PROMPT)
        terminal.say("c")
        terminal.read_until(b"/dev/")
        terminal.say("this")
        assert "got this\n" in terminal.read_until(b"")


def test_an_op_that_fails_has_its_number_in_the_printed_plan(root: Path) -> None:
    wanted = plan("busybox", ["none-of-that-name"], root=root)
    index = len(wanted) - 1
    with stepping(root, "busybox", "none-of-that-name") as terminal:
        terminal.read_until(PROMPT)
        terminal.say("c")
        said = re.search(r"labcore: op (\d+), execve none-of-that-name", terminal.read_until(b""))
        assert terminal.process.wait(WAIT_SECONDS) == 127
    with pytest.raises(StepFailed) as failed:
        for _ in lab.step_through(wanted):
            pass
    assert failed.value.index == index
    assert said


def test_what_cannot_be_stepped_through_is_refused(root: Path) -> None:
    def said(*words: str) -> str:
        command = [sys.executable, "-P", "-m", "labcore", "--root", str(root), "run", "--step", *words]
        ran = subprocess.run(command, input="", capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)
        assert ran.returncode == 125
        return ran.stderr

    assert "leave out --name, --cidfile and -d" in said("-d", "busybox", "true")
    assert "leave -i out, or use a terminal" in said("-i", "busybox", "cat")
    assert "the start is given up" in said("--network", "none", "busybox", "true"), "the end of the input gives it up"


def test_a_notebook_yields_each_step(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = plan("busybox", ["echo", "stepped"], root=root)
    assert wanted.carrier == "extension"
    stops = list(lab.step_through(wanted))
    assert capsys.readouterr().out == "stepped\n"
    assert [stop.index for stop in stops] == list(range(wanted.clone_index + 1, len(wanted)))
    assert [op for stop in stops for _, op in stop.done] == list(wanted.ops[:-1])
    assert [stop.op for stop in stops] == list(wanted.ops[wanted.clone_index + 1 :])
    assert "namespace mnt: mnt:[" in str(stops[0])
    assert stops[-1].state.of("mount")["/proc"].startswith("proc ")
    assert stops[-1].state.of("path") == {"cwd": "/", "root": "/"}


def test_the_process_waits_while_a_step_is_looked_at(root: Path) -> None:
    for stop in lab.step_through(plan("busybox", ["true"], root=root)):
        before = procfs.namespaces(stop.pid)
        assert before["mnt"] != procfs.namespace("self", "mnt")
        if stop.op.name == "execve":
            assert sorted(os.listdir(f"/proc/{stop.pid}/root")) == sorted({*os.listdir(f"/proc/{stop.pid}/cwd")})
            break
    assert procfs.has_ended(stop.pid), "a loop that is left ends the process"


def test_ops_before_the_clone_are_shown_as_done(root: Path) -> None:
    other = plan("busybox", ["true"], root=root)
    joined = Plan([ops.JoinNamespaces(((CloneFlag.NEWUTS, "/proc/self/ns/uts"),)), *other.ops])
    first = next(iter(list(lab.step_through(joined))))
    assert [(index, op.name) for index, op in first.done] == [(0, "join"), (1, "clone")]


def test_users_and_limits_are_stepped_through_too(root: Path) -> None:
    wanted = Engine(root).spec("busybox", ["id", "-u"]).replace(resources=Resources())
    from labcore.runtime import make_plan

    stops = list(lab.step_through(make_plan(wanted.replace(user=wanted.user.replace(uid=1234)))))
    assert any(
        each.kind == "ids" and each.name == "user ids" and "1234" in each.after for stop in stops for each in stop.changes
    )


def test_whoever_raises_at_a_stop_ends_the_start(root: Path) -> None:
    from labcore.runtime import spawn

    seen: list[Stop] = []

    def pause(stop: Stop) -> None:
        seen.append(stop)
        raise GivenUp

    with pytest.raises(GivenUp):
        spawn(stepped(plan("busybox", ["true"], root=root), pause))
    assert len(seen) == 1
    assert procfs.has_ended(seen[0].pid)


def test_changes_are_told_by_their_kind() -> None:
    before = KernelState(
        {("mount", "/"): "ext4", ("mount", "/old"): "tmpfs", ("capabilities", "effective"): "chown kill setuid"}
    )
    after = KernelState({("mount", "/"): "overlay", ("mount", "/proc"): "proc", ("capabilities", "effective"): "kill"})
    assert [str(each) for each in changes(before, after)] == [
        "~ mount /: ext4 → overlay",
        "+ mount /proc: proc",
        "~ capabilities effective: 1 left, without chown setuid",
        "- mount /old",
    ]
    assert changes(before, before) == ()
    assert str(Change("capabilities", "effective", "kill", "none")) == "~ capabilities effective: none any more"
