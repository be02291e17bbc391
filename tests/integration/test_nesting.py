"""Containers in containers, and the process before the program."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import labcore
from labcore.engine import Engine
from tests.conftest import PROJECT, needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")
LABCORE = f"{sys.executable} -P -m labcore"


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


def test_the_lessons_pass_inside_a_container() -> None:
    """In a copy of this machine's own tree, for the Python in it; what the lesson writes lies in memory."""
    inside = f"""
        set -e; mount -t tmpfs tmpfs /srv; cd /srv; export LABCORE_ROOT=/srv/state PYTHONPATH={PROJECT}
        {LABCORE} seed busybox; {LABCORE} run --rm busybox hostname
        for n in 3 4; do {LABCORE} lesson start $n; {LABCORE} lesson solve $n; {LABCORE} lesson check $n; done"""
    outside = f"mount --rbind / /mnt && exec {LABCORE} run --rm --privileged --init --rootfs /mnt sh -c {shlex.quote(inside)}"
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", outside]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 of 6 steps, 2 of 2 challenges" in done.stdout
    assert "4 of 4 steps, 1 of 1 challenges" in done.stdout


def test_what_privileges_leave(engine: Engine) -> None:
    look = "grep -E 'CapEff|Seccomp:' /proc/self/status; mount -t tmpfs tmpfs /tmp && echo mounted"
    plain = labcore.run("busybox", ["sh", "-c", look], root=engine.root).stdout.decode()
    assert "Seccomp:\t2" in plain
    assert "mounted" not in plain
    privileged = labcore.run("busybox", ["sh", "-c", look], root=engine.root, privileged=True).stdout.decode()
    own = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff"))
    assert own in privileged
    assert "Seccomp:\t0" in privileged
    assert "mounted" in privileged


def test_orphans_are_reaped(engine: Engine) -> None:
    orphans = "for i in 1 2 3; do sh -c 'sleep .1 & exit'; done; sleep .5; ps -o pid,ppid,stat,comm"
    alone = labcore.run("busybox", ["sh", "-c", f'exec sh -c "{orphans}"'], root=engine.root, init=True)
    assert alone.exit_code == 0, alone.stderr
    listed = alone.stdout.decode()
    assert "labcore-init" in listed
    assert " Z" not in listed
    assert labcore.run("busybox", ["sh", "-c", "kill -TERM $$"], root=engine.root, init=True).exit_code == 143
