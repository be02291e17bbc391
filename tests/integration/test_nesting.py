"""Containers in containers, and the process before the program."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import labcore
from labcore.engine import Engine
from labcore.lab.lessons import lesson
from labcore.lab.program import marked
from labcore.lab.solutions import source_of
from tests.conftest import PROJECT, needs_root, place_to_cover

pytestmark = pytest.mark.usefixtures("nothing_left")
LABCORE = f"{sys.executable} -P -m labcore"


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


def test_the_lessons_pass_inside_a_container(tmp_path: Path) -> None:
    """In a copy of this machine's own tree, for the Python in it; what the lesson writes lies in memory.

    Lesson 4 as a learner does it; lesson 3's solutions are checked by a warm process.
    """
    place = place_to_cover()
    steps = (*lesson(3).steps, *lesson(3).challenges)
    requests = [{"lesson": 3, "step": step, "source": marked(step, source_of(step, 3), 3)} for step in steps]
    (tmp_path / "solutions").write_text("".join(f"{json.dumps(request)}\n" for request in requests))
    inside = f"""
        set -e; mount -t tmpfs tmpfs {place}; cd {place}; export LABCORE_ROOT={place}/state PYTHONPATH={PROJECT}
        {LABCORE} seed busybox; {LABCORE} run --rm busybox hostname; {LABCORE} daemon stop
        {LABCORE} lesson start 4; {LABCORE} lesson solve 4; {LABCORE} lesson check 4
        {sys.executable} -P -m tests.warm_checks < {tmp_path}/solutions"""
    script = (
        "import labcore, sys; "
        "done = labcore.run(rootfs=sys.argv[1], argv=['sh', '-c', sys.argv[2]], privileged=True, init=True); "
        "sys.stdout.buffer.write(done.stdout + done.stderr); sys.exit(done.exit_code)"
    )
    run = shlex.join([sys.executable, "-P", "-c", script, str(place), inside])
    outside = f"mount --rbind / {place} && exec {run}"
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", outside]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 4 steps, 1 of 1 challenges" in done.stdout
    verdicts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [verdict["state"] for verdict in verdicts] == ["passed"] * len(steps), verdicts


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
