"""Containers of ordinary users."""

import subprocess
import sys
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.spec import OverlayRoot
from tests.conftest import LEARNER, as_learner, needs

pytestmark = pytest.mark.usefixtures("nothing_left")
LABCORE = f"{sys.executable} -P -m labcore"
RUNTIME = f"{sys.executable} -P -m labcore.runtime.oci.cli"
WITHOUT_IDS = {"subordinate": "somebody-else:300000:65536"}


def shell(script: str, **options: str) -> str:
    done = as_learner("sh", "-ec", script, **options)  # type: ignore[arg-type]
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("ids", [{}, WITHOUT_IDS], ids=["subordinate ids", "one id"])
def test_an_ordinary_user_runs_containers(ids: dict[str, str]) -> None:
    look = "id -u; hostname; ls /dev; touch /new; echo $$"
    said = shell(f"{LABCORE} seed busybox; {LABCORE} run --rm busybox sh -c '{look}'; id -u", **ids).splitlines()
    assert said[1:3] == ["0", "labcore"]
    assert {"null", "urandom", "pts", "shm"} <= set(said)
    assert said[-2:] == ["1", str(LEARNER)]


@pytest.mark.parametrize("ids", [{}, WITHOUT_IDS], ids=["subordinate ids", "one id"])
def test_the_first_lesson_passes(ids: dict[str, str]) -> None:
    said = shell(f"{LABCORE} lesson start 1; {LABCORE} lesson solve 1; {LABCORE} lesson check 1", **ids)
    assert "4 of 4 steps, 2 of 2 challenges" in said


def test_files_of_other_owners_take_subordinate_ids() -> None:
    script = f"{LABCORE} seed busybox; {LABCORE} run --rm busybox sh -c 'touch /x; chown 5:6 /x; stat -c %u:%g /x'"
    assert shell(script).endswith("5:6\n")
    assert "Invalid argument" in shell(script + " 2>&1 || true", **WITHOUT_IDS)


def test_a_program_with_threads_is_started_in_the_namespace() -> None:
    script = (
        "import threading, labcore; threading.Thread(target=print).start(); print(labcore.run('busybox', ['id', '-u']).stdout)"
    )
    assert "b'0\\n'" in shell(f'{LABCORE} seed busybox; {LABCORE} rootless {sys.executable} -P -c "{script}"')


def test_where_user_namespaces_are_blocked_one_line_says_the_cure() -> None:
    blocked = "echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --reuid 1 --regid 1 --clear-groups"
    place = "chmod 755 $HOME; mkdir -m 777 place"
    done = as_learner(
        "sh", "-c", f"{place}; exec {LABCORE} rootless sh -c '{blocked} {LABCORE} --root place run --rm busybox true'"
    )  # fmt: skip
    assert done.returncode == 125
    (line,) = done.stderr.splitlines()
    assert "this machine allows no user namespaces" in line
    assert line.endswith("cure: sudo sysctl user.max_user_namespaces=15000")


def test_an_oci_bundle_of_an_ordinary_user() -> None:
    """Its namespace and maps are its config's: the user's own number, written directly, and others by newuidmap."""
    one = [{"containerID": 0, "hostID": LEARNER, "size": 1}]
    many = [*one, {"containerID": 1, "hostID": 300000, "size": 1000}]
    prepare = f"""
        {LABCORE} seed busybox > seeded; {LABCORE} run --rm busybox true
        mkdir bundle state; {RUNTIME} spec --bundle bundle
        {LABCORE} rootless sh -c 'cp -a .local/share/labcore/storage/layers/* bundle/rootfs'
        """
    for maps in (one, many):
        change = f"""
import json
config = json.load(open('bundle/config.json'))
config['linux']['namespaces'].append({{'type': 'user'}})
config['linux'].update(uidMappings={maps!r}, gidMappings={maps!r})
config['process'].update(terminal=False, args=['sh', '-c', 'id -u; wc -l < /proc/self/uid_map'])
for mount in config['mounts']:
    mount['options'] = [word for word in mount.get('options', []) if word != 'gid=5']
json.dump(config, open('bundle/config.json', 'w'))
"""
        run = f"{RUNTIME} --root state run --bundle bundle rootless-{len(maps)}"
        said = shell(f'{prepare} {sys.executable} -c "{change}"; {run}')
        assert said.split() == ["0", str(len(maps))]


def test_rootless_podman_drives_the_runtime(engine: Engine) -> None:
    needs("podman", "conmon")
    root = engine.spec("busybox", ["true"]).root
    assert isinstance(root, OverlayRoot)
    runtime = Path(sys.executable).with_name("labcore-runtime")
    podman = f"podman --cgroup-manager cgroupfs --events-backend file --storage-driver vfs --runtime {runtime}"
    archive = Path("/tmp/labcore-rootless.tar")
    subprocess.run(["tar", "-C", f"{root.directory}/{root.layers[0]}", "-cf", str(archive), "."], check=True)
    try:
        said = shell(f"""
            export XDG_RUNTIME_DIR=$HOME/run; mkdir -m 700 $HOME/run; {podman} import {archive} bb
            {podman} run --rm --network none bb sh -c 'id -u; touch /x; chown 7 /x; stat -c %u /x'
            {podman} run -d --name long --network none bb sleep 60
            {podman} exec long sh -c 'echo from exec; exit 3' || echo status $?
            {podman} rm -f -t 0 long
            """)
    finally:
        archive.unlink()
    assert "\n0\n7\n" in said
    assert "from exec\nstatus 3\n" in said


def test_the_lab_starts() -> None:
    lab = f"timeout -s INT 60 {LABCORE} lab > out & while ! grep -q token= out; do sleep .2; done"
    said = shell(f"{lab}; kill -INT $!; wait || true; cat out")
    assert "container started in" in said
    assert "http://127.0.0.1:" in said
