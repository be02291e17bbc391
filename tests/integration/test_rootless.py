"""Containers of ordinary users."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labcore.engine import Engine
from labcore.lab.lessons import Lesson
from labcore.runtime.cgroups import hierarchies
from labcore.runtime.cgroups.hierarchy import own_path
from labcore.runtime.userns import subordinate
from labcore.spec import OverlayRoot
from tests.conftest import LEARNER, PROJECT, alone, as_learner, needs_root, seed_busybox
from tests.integration.test_lessons import FILLED_AS_ROOT, LANGUAGES, LIMITLESS, WITH_GBK
from tests.peers import Peers

pytestmark = pytest.mark.usefixtures("nothing_left")
LABCORE = f"{sys.executable} -P -m labcore"
RUNTIME = f"{sys.executable} -P -m labcore.runtime.oci.cli"
WITHOUT_IDS = {"subordinate": "somebody-else:300000:65536"}


@pytest.fixture(autouse=True)
def with_ids_for_the_test(request: pytest.FixtureRequest) -> None:
    """What an ordinary user has been given cannot be taken away by a test that the user runs."""
    ids = getattr(request.node, "callspec", None)
    if os.geteuid() and ids is not None and ids.params.get("ids"):
        pytest.skip("needs root")


STOP = f"{LABCORE} daemon stop > /dev/null"


def shell(script: str, **options: Any) -> str:
    """Run a script as an ordinary user, whose daemon ends with it."""
    done = as_learner("sh", "-ec", f"trap '{STOP}' EXIT\n{script}", **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("ids", [{}, WITHOUT_IDS], ids=["subordinate ids", "one id"])
def test_an_ordinary_user_runs_containers(ids: dict[str, str]) -> None:
    look = "id -u; hostname; ls /dev; touch /new; echo $$"
    said = shell(f"{LABCORE} seed busybox; {LABCORE} run --rm busybox sh -c '{look}'; id -u", **ids).splitlines()
    assert said[1] == "0"
    assert re.fullmatch("[0-9a-f]{12}", said[2])
    assert {"null", "urandom", "pts", "shm"} <= set(said)
    assert said[-2:] == ["1", str(LEARNER)]


STEPS = {
    3: "6 of 6 steps, 2 of 2",
    4: "4 of 4 steps, 1 of 1",
    5: "5 of 5 steps, 2 of 2",
}  # lesson 1's are among them, written anew


@pytest.mark.parametrize("lesson", STEPS)
def test_the_lessons_pass_with_one_id(lesson: int) -> None:
    """With subordinate ids the notebooks below check all steps of all of them."""
    needs_root()  # who takes the ids away
    said = shell(
        f"{LABCORE} lesson start {lesson}; {LABCORE} lesson solve {lesson}; {LABCORE} lesson check {lesson}", **WITHOUT_IDS
    )
    assert f"{STEPS[lesson]} challenges" in said


RUN_ALL = """
import json, os, pathlib, sys
from nbclient import NotebookClient
import nbformat
from labcore.lab.copies import copy, with_solutions
from labcore.lab.workspace import Workspace
copy(pathlib.Path(sys.argv[1]), pathlib.Path("work/n.ipynb"), with_solutions)
notebook = nbformat.read("work/n.ipynb", 4)
NotebookClient(notebook, timeout=300, resources={"metadata": {"path": "work"}}).execute()
print("passed", *sorted(Workspace(pathlib.Path("work")).passed()))
"""


@pytest.mark.parametrize("lesson", LIMITLESS, ids=lambda lesson: lesson.slug)
def test_a_lesson_runs_in_an_ordinary_users_notebook(lesson: Lesson) -> None:
    """Filled in: a check that does not pass is an error. In English where root runs it so in Chinese, and else in Chinese."""
    language = "en" if lesson.file in (*FILLED_AS_ROOT, WITH_GBK) else "zh"
    notebook = PROJECT / "notebooks" / LANGUAGES[language] / lesson.file
    script = f"""
    mkdir work; export LABCORE_WORK=$PWD/work LABCORE_STRICT=1 LABCORE_LANG={language}
    {LABCORE} rootless {sys.executable} -c {shlex.quote(RUN_ALL)} {notebook}"""
    assert shell(script).splitlines()[-1].split() == ["passed", *sorted({*lesson.steps, *lesson.challenges})]


def test_files_of_other_owners_take_subordinate_ids() -> None:
    script = f"{seed_busybox()}; {LABCORE} run --rm busybox sh -c 'touch /x; chown 5:6 /x; stat -c %u:%g /x'"
    assert shell(script).endswith("5:6\n")
    if os.geteuid() == 0:
        assert "Invalid argument" in shell(script + " 2>&1 || true", **WITHOUT_IDS)


def test_what_other_owners_have_closed_is_counted() -> None:
    close = "mkdir /data/a; head -c 2000000 /dev/urandom > /data/a/b; chmod 700 /data/a; chown -R 1000 /data"
    said = shell(
        f"{seed_busybox()}; {LABCORE} run --rm -v data:/data busybox sh -c '{close}'; {LABCORE} system df --format json"
    )
    kinds = {kind["Type"]: kind for kind in map(json.loads, said.splitlines())}
    assert kinds["Local Volumes"]["Size"].startswith("2.00")


def test_files_of_other_owners_without_subordinate_ids_are_said_with_the_cure() -> None:
    make = f"echo x > file; tar --owner=5 --group=5 -cf file.tar file; {LABCORE} import file.tar others"
    said = shell(f"{{ {make}; {LABCORE} run --rm others /file; }} 2>&1 || true", **WITHOUT_IDS)
    assert "has files of several users, and to you only your own number is mapped" in said
    assert "cure: apt-get install uidmap" in said


MAKE_ODD_LAYER = """
import io, tarfile
def labelled(**attributes):
    return {"SCHILY.xattr." + name.replace("__", "."): value for name, value in attributes.items()}
capability = "\\x01\\0\\0\\x02\\0\\x20" + "\\0" * 14
odd = [
    ("etc", tarfile.DIRTYPE, labelled(user__overlay__opaque="y", trusted__overlay__opaque="y")),
    ("etc/file", tarfile.REGTYPE, labelled(security__ima="x", security__selinux="a:b:c:s0", system__posix_acl_access="junk")),
    ("setcap", tarfile.REGTYPE, labelled(security__capability=capability)),
    ("link", tarfile.SYMTYPE, labelled(user__colour="blue")),
    ("pipe", tarfile.FIFOTYPE, labelled(user__colour="blue")),
    ("device", tarfile.CHRTYPE, {}),
    ("block", tarfile.BLKTYPE, {}),
]
with tarfile.open("odd.tar", "w", format=tarfile.PAX_FORMAT) as tar:
    for name, kind, headers in odd:
        info = tarfile.TarInfo(name)
        info.type, info.pax_headers, info.linkname, info.devmajor, info.devminor = kind, headers, "etc", 1, 3
        info.mode, info.uid = 0o755, 33 if name == "etc" else 0
        tar.addfile(info, io.BytesIO())
"""


def test_what_an_ordinary_user_may_not_set_keeps_no_image_from_coming() -> None:
    """Attributes of others, and devices: the rest of the image is there, and what is overlayfs's own never comes so."""
    make = f"{sys.executable} -c {shlex.quote(MAKE_ODD_LAYER)}; {LABCORE} import odd.tar odd > /dev/null"
    look = f"{LABCORE} create --name made --network none odd /x > /dev/null; {LABCORE} export made | tar -tf - | sort"
    names = set(shell(f"{make}; {look}").split())
    assert {"etc/", "etc/file", "link", "pipe", "setcap"} <= names


def test_an_owner_that_is_not_among_the_subordinate_ids() -> None:
    needs_root()  # who decides how many there are
    make = f"echo x > file; tar --owner=5000000 --group=0 -cf file.tar file; {LABCORE} import file.tar others"
    said = shell(f"{{ {make}; {LABCORE} run --rm others /file; }} 2>&1 || true")
    assert "whose number is larger than those that are mapped to you" in said
    assert "cure: have larger ranges in /etc/subuid and /etc/subgid" in said


def test_doctor_leads_to_what_a_user_can_do() -> None:
    outside, inside = (shell(f"{before}{LABCORE} doctor || true") for before in ("", f"{LABCORE} rootless "))
    assert outside.splitlines()[-1].endswith("`labcore rootless labcore doctor` says what works there.")
    for name in ("pid namespace", "pivot_root", "overlayfs"):
        assert f"✓ {name}" in inside


def test_a_program_with_threads_is_started_in_the_namespace() -> None:
    script = (
        "import threading, labcore; threading.Thread(target=print).start(); print(labcore.run('busybox', ['id', '-u']).stdout)"
    )
    assert "b'0\\n'" in shell(f'{seed_busybox()}; {LABCORE} rootless {sys.executable} -P -c "{script}"')


def test_where_user_namespaces_are_blocked_one_line_says_the_cure() -> None:
    blocked = "echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --reuid 1 --regid 1 --clear-groups"
    place = "chmod 755 $HOME; mkdir -m 777 place"
    done = as_learner(
        "sh", "-c", f"{place}; exec {LABCORE} rootless sh -c '{blocked} {LABCORE} --root place run --rm busybox true'"
    )  # fmt: skip
    assert done.returncode == 125
    line = done.stderr.rstrip().replace("\n", " ")
    assert (
        "the daemon does not come up: no container can be made by an ordinary user here: this machine allows no user namespaces"
        in line
    )
    assert line.endswith("cure: sudo sysctl user.max_user_namespaces=15000")


PREPARE = f"""
    {LABCORE} seed busybox > seeded; {LABCORE} run --rm busybox true
    mkdir bundle state; {RUNTIME} spec --rootless --bundle bundle
    {LABCORE} rootless sh -c 'cp -a .local/share/labcore/storage/layers/* bundle/rootfs'
    """


def bundle(maps: list[dict[str, int]], script: str, resources: str = "{}", general: str = "") -> str:
    """Return the command that runs a shell script in a bundle of an ordinary user."""
    change = f"""
import json
config = json.load(open('bundle/config.json'))
config['linux'].update(uidMappings={maps!r}, gidMappings={maps!r}, resources={resources})
config['process'].update(terminal=False, args=['sh', '-c', '{script}'])
json.dump(config, open('bundle/config.json', 'w'))
"""
    return (
        f'{PREPARE} {sys.executable} -c "{change}"; {RUNTIME} --root state {general} run --bundle bundle rootless-{os.getpid()}'
    )


ONE = [{"containerID": 0, "hostID": LEARNER, "size": 1}]


@pytest.mark.parametrize("size", [0, 1000])
def test_an_oci_bundle_of_an_ordinary_user(size: int) -> None:
    """Its namespace and maps are its config's: the user's own number, written directly, and others by newuidmap."""
    first = next(iter(subordinate(Path("/etc/subuid"), LEARNER)), None) if os.geteuid() else None
    others = [{"containerID": 1, "hostID": first.outside if first else 300000, "size": size}] if size else []
    maps = [*ONE, *others]
    assert shell(bundle(maps, "id -u; wc -l < /proc/self/uid_map")).split() == ["0", str(len(maps))]


@pytest.mark.parametrize("general", ["", "--systemd-cgroup"])
def test_limits_in_a_subtree_of_ones_own(general: str) -> None:
    """In version 2 a user's systemd hands out a part of the tree, in which the user may make cgroups and limit them."""
    where = hierarchies()
    if where.v1 or where.v2 is None or not os.access(Path(where.v2 + own_path("")).parent, os.W_OK) or not os.geteuid():
        pytest.skip("needs an ordinary user with a subtree of cgroup version 2")
    limits = "{'memory': {'limit': 33554432}, 'pids': {'limit': 9}}"
    session = "export XDG_RUNTIME_DIR=/run/user/$(id -u)\n"
    flood = bundle(ONE, "exec dd if=/dev/zero of=/dev/shm/x bs=1048576 count=60", limits, general)
    done = as_learner("sh", "-c", session + flood)
    assert done.returncode == 137, done.stdout + done.stderr
    if not general:  # systemd takes its scope away, with what is counted there, as soon as it is empty
        assert "its limit of 33554432 bytes was reached" in done.stderr
    bomb = bundle(ONE, "i=0; while [ $i -lt 20 ]; do sleep 1 & i=$((i+1)); done; wait".replace("$", "\\$"), limits, general)
    assert "can't fork" in as_learner("sh", "-c", session + bomb).stderr
    assert "no cgroup can be made" not in done.stderr


def test_rootless_podman_drives_the_runtime(peer: Peers, request: pytest.FixtureRequest) -> None:
    needs_root()
    peer.needs("podman", "conmon")
    engine: Engine = request.getfixturevalue("engine")
    root = engine.spec("busybox", ["true"]).root
    assert isinstance(root, OverlayRoot)
    runtime = Path(sys.executable).with_name("labcore-runtime")
    podman = f"podman --cgroup-manager cgroupfs --events-backend file --storage-driver vfs --runtime {runtime}"
    archive = Path("/tmp/labcore-rootless.tar")
    subprocess.run(["tar", "-C", f"{root.directory}/{root.layers[0]}", "-cf", str(archive), "."], check=True)
    try:
        said = shell(
            f"""
            export XDG_RUNTIME_DIR=$HOME/run; mkdir -m 700 $HOME/run
            trap 'kill $(cat $XDG_RUNTIME_DIR/libpod/tmp/pause.pid)' EXIT  # podman leaves a process in its namespace
            {podman} import {archive} bb
            {podman} run --rm --network none bb sh -c 'id -u; touch /x; chown 7 /x; stat -c %u /x'
            {podman} run -d --name long --network none bb sleep 60
            {podman} exec long sh -c 'echo from exec; exit 3' || echo status $?
            {podman} rm -f -t 0 long
            """,
            prefix=peer.prefix,
        )
    finally:
        archive.unlink()
    assert "\n0\n7\n" in said
    assert "from exec\nstatus 3\n" in said


def test_the_lab_starts() -> None:
    lab = f"timeout -s INT 60 {LABCORE} lab > out & while ! grep -q token= out; do sleep .2; done"
    with alone("jupyter"):  # the first free port is looked for, and then taken
        said = shell(f"{lab}; kill -INT $!; wait || true; cat out")
    assert "container started in" in said
    assert "http://127.0.0.1:" in said


def test_the_stock_docker_command_works_with_an_ordinary_users_daemon() -> None:
    docker = PROJECT / "build/peers/root/usr/bin/docker"
    if not docker.exists():
        pytest.skip("needs docker, which is not installed (PEERS=1 make setup)")
    said = shell(f"""
        export XDG_RUNTIME_DIR=$HOME/run; mkdir -m 700 $HOME/run
        {seed_busybox()}
        {LABCORE} daemon 2> $XDG_RUNTIME_DIR/log & daemon=$!
        socket=$XDG_RUNTIME_DIR/labcore.sock
        for i in $(seq 200); do test -S $socket && break; sleep 0.1; done
        test -S $socket || cat $XDG_RUNTIME_DIR/log >&2
        {docker} -H unix://$socket run --rm --network=none busybox id -u
        {docker} -H unix://$socket info -f '{{{{.SecurityOptions}}}}'
        kill $daemon; wait $daemon""")
    assert said.splitlines()[-2] == "0"
    assert "name=rootless" in said.splitlines()[-1]
