"""Where the host's mounts are shared, as systemd makes them, nothing that is mounted or unmounted in a container reaches them.

The tests' own host is a mount namespace whose whole tree is shared, with a shared mount that has others below it, as
`ip netns add` makes /run/netns.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labcore.lab.lessons import LESSONS
from labcore.lab.program import marked
from labcore.lab.solutions import source_of
from tests.conftest import PROJECT, needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")

HOST = """
set -e
mount --make-rshared /
mount -t tmpfs labcore-shared "$PLACE"; mkdir "$PLACE/names"
mount --bind "$PLACE/names" "$PLACE/names"; mount --make-shared "$PLACE/names"
for name in a b; do mkdir "$PLACE/names/$name"; mount -t tmpfs "$name" "$PLACE/names/$name"; done
cat /proc/self/mountinfo > "$PLACE/../before"
status=0
sh -ec "$1" || status=$?
$PYTHON -m labcore daemon stop > stopped
cat /proc/self/mountinfo > "$PLACE/../after"
exit $status
"""
RUNTIME = "$PYTHON -m labcore.runtime.oci.cli --root $LABCORE_ROOT/oci"
BUNDLE = """
import json, sys
from labcore.runtime.oci.example import example_config
config = example_config()
config["process"] |= {"terminal": False, "args": ["sleep", "60"]}
config["root"] = {"path": sys.argv[1]}
config["linux"]["rootfsPropagation"] = sys.argv[2]
json.dump(config, open(f"{sys.argv[3]}/config.json", "w"))
"""
OCI_LIFE = f"""
$PYTHON -m labcore export work | tar -xC $(mkdir -p root; echo root)
for propagation in rprivate rslave rshared; do
    mkdir -p bundle; $PYTHON -c '{BUNDLE}' "$PWD/root" $propagation bundle
    {RUNTIME} create --bundle bundle labcore-test-$$ > out 2>&1 < /dev/null
    {RUNTIME} start labcore-test-$$; {RUNTIME} exec labcore-test-$$ ls /proc/1/root > out
    {RUNTIME} delete --force labcore-test-$$
done
"""
LABCORE = "$PYTHON -m labcore"
WARM_CHECKS = "$PYTHON -m tests.warm_checks"
USES = {
    "run": f"{LABCORE} run --rm busybox mount",
    "run, all rights": f"{LABCORE} run --rm --privileged busybox sh -c 'mount -t tmpfs x /tmp; umount /tmp; umount -l /dev'",
    "run, users remapped": "$PYTHON -c 'import labcore; "
    'labcore.run("busybox", ["mount"], remap="100000", volumes=["data:/data"])\'',
    "volumes": f"{LABCORE} run --rm -v data:/data -v $PLACE:/host -v $PLACE:/host2:rshared --tmpfs /x busybox mount",
    "a container that stays": f"{LABCORE} run --name work busybox touch /x; {LABCORE} diff work; {LABCORE} commit work w:1; "
    f"{LABCORE} cp work:/x copied; {LABCORE} run -d --name up busybox sleep 60; {LABCORE} exec up true; {LABCORE} rm -f up",
    "an OCI container": f"{LABCORE} run --rm busybox true; {OCI_LIFE}",
    "doctor": f"{LABCORE} doctor || true",
    "a helper cell": "$PYTHON -c 'import os; from labcore.lab.helper import run_helper; run_helper(os.environ[\"CELL\"])'",
}
CELL = """
unshare(CloneFlag.NEWNS)
mount(None, "/", flags=MountFlag.REC | MountFlag.SHARED)
umount2("/proc", UnmountFlag.DETACH)
"""
# Lesson 2, which has fewest steps, as a learner does it; the solutions of the others are checked by a warm process.
LESSONS_DONE = f"{LABCORE} lesson start 2; {LABCORE} lesson solve 2; {LABCORE} lesson check 2; {WARM_CHECKS} < solutions"


def on_a_shared_host(script: str, tmp_path: Path, state: Path) -> tuple[str, set[str], set[str]]:
    """Return what a script said on such a host, and which mounts have come there and gone."""
    place = tmp_path / "place"
    place.mkdir()
    variables = {
        "PLACE": str(place),
        "PYTHON": sys.executable,
        "PYTHONPATH": str(PROJECT),
        "LABCORE_ROOT": str(state),
        "CELL": CELL,
    }
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", HOST, "sh", script]
    done = subprocess.run(command, env=os.environ | variables, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    before, after = (set((tmp_path / name).read_text().splitlines()) for name in ("before", "after"))
    return done.stdout, after - before, before - after


@pytest.mark.parametrize("use", USES)
def test_no_mount_of_the_host_comes_or_goes(use: str, engine, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    needs_root()
    _, come, gone = on_a_shared_host(USES[use], tmp_path, engine.root)
    assert (come, gone) == (set(), set())


def test_lessons_and_their_checks_leave_the_hosts_mounts_alone(engine, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    needs_root()
    steps = [(lesson.number, step) for lesson in LESSONS if lesson.number != 2 for step in (*lesson.steps, *lesson.challenges)]
    requests = [
        {"lesson": number, "step": step, "source": marked(step, source_of(step, number), number)} for number, step in steps
    ]
    (tmp_path / "solutions").write_text("".join(f"{json.dumps(request)}\n" for request in requests))
    said, come, gone = on_a_shared_host(LESSONS_DONE, tmp_path, engine.root)
    assert (come, gone) == (set(), set())
    assert "3 of 3 steps" in said
    verdicts = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert [verdict["state"] for verdict in verdicts] == ["passed"] * len(steps), verdicts


def test_the_comparison_sees_what_propagates(tmp_path: Path) -> None:
    """The same plan without its first line, made by hand: what labcore refuses to start."""
    needs_root()
    script = "unshare --mount --propagation unchanged sh -c 'umount -l $PLACE/names/a; mount -t tmpfs new $PLACE/names/b'"
    _, come, gone = on_a_shared_host(script, tmp_path, tmp_path)
    assert come
    assert gone
