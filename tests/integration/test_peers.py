"""tools/peers: a root is made once and whole, and of a program that is run in it nothing stays."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labcore.bench import peers_root
from tests.conftest import PROJECT, needs_root
from tests.watching import is_running

TOOL = PROJECT / "tools" / "peers"
RUN = [sys.executable, str(TOOL), "run"]
# Stands in for mmdebstrap, which fetches hundreds of packages: it takes a while, and says so when it is done.
MAKER = """#!/bin/sh
for word; do case $word in */root) root=$word;; esac; done
mkdir $root
echo . >> "$COUNT"
sleep ${SLOW:-0.5}
touch $root/whole
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, with nothing made in it."""
    needs_root()
    shutil.copytree(PROJECT / "tools", tmp_path / "lab/tools")
    (tmp_path / "bin").mkdir()
    maker = tmp_path / "bin/mmdebstrap"
    maker.write_text(MAKER)
    maker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("COUNT", str(tmp_path / "count"))
    return tmp_path / "lab"


def making(project: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, str(project / "tools/peers"), "make"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_two_that_make_the_root_at_once_make_one(project: Path) -> None:
    makers = [making(project) for _ in range(3)]
    said = [maker.communicate(timeout=60) for maker in makers]
    assert [maker.returncode for maker in makers] == [0, 0, 0], said
    assert (project.parent / "count").read_text() == ".\n"
    assert (project / "build/peers/root/whole").exists()


def test_a_root_that_is_half_made_is_made_anew(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, count = project / "build/peers/root", project.parent / "count"
    monkeypatch.setenv("SLOW", "100")
    with making(project) as maker:
        wait_for(count.exists)
        maker.kill()
    entered = subprocess.run([sys.executable, str(project / "tools/peers"), "run", "true"], capture_output=True, text=True)
    assert (entered.returncode, entered.stderr.count("\n")) == (1, 1)
    assert "`tools/peers make` makes them a root" in entered.stderr
    monkeypatch.setenv("SLOW", "0")
    with making(project) as maker:
        assert maker.wait(60) == 0
    assert (root / "whole").exists()
    assert count.read_text() == ".\n.\n"


# --- programs in the root


@pytest.fixture
def made() -> None:
    if not peers_root.enter_command():
        pytest.skip("needs the root of today's peers")


def our_cgroups() -> list[str]:
    return [str(path) for where in ("", "*/") for path in Path("/sys/fs/cgroup").glob(f"{where}labcore-peers-*")]


@pytest.mark.usefixtures("made", "nothing_left")
def test_a_program_has_all_for_itself_and_the_project() -> None:
    look = "readlink /proc/self/ns/mnt /proc/self/ns/pid /proc/self/ns/net /proc/self/ns/cgroup; pwd; echo $1; exit 7"
    done = subprocess.run([*RUN, "sh", "-c", look, "sh", "a b"], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    *namespaces, directory, word = done.stdout.splitlines()
    assert (done.returncode, directory, word) == (7, str(PROJECT), "a b"), done.stderr
    own = {os.readlink(f"/proc/self/ns/{name}") for name in ("mnt", "pid", "net", "cgroup")}
    assert len(set(namespaces) - own) == 4
    code = "import labcore, sys; print(sys.prefix)"
    done = subprocess.run([*RUN, sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"{sys.prefix}\n", done.stderr
    assert our_cgroups() == []


DAEMON = """
dockerd > /tmp/log 2>&1 &
until docker version > /dev/null 2>&1; do kill -0 $! || { cat /tmp/log; exit 1; }; sleep 0.1; done
mkdir /tmp/image; cp /bin/busybox /tmp/image
tar -C /tmp/image -c . | docker import - bb > /dev/null
docker run --rm bb /busybox ip -o -4 address show eth0
docker run -d --name one bb /busybox sleep 1000 > /dev/null
"""


@pytest.mark.usefixtures("made", "nothing_left")
@pytest.mark.parametrize("end", ["docker pause one", "kill", "terminate"])
def test_of_dockerd_and_its_containers_nothing_stays(end: str) -> None:
    """Not of a paused one either, which in cgroups of version 1 does not die before it goes on."""
    script = DAEMON + (f"{end} > /dev/null" if " " in end else "echo ready; sleep 1000")
    with subprocess.Popen([*RUN, "sh", "-ec", script], stdout=subprocess.PIPE, text=True) as tool:
        assert tool.stdout is not None
        assert " inet 172." in tool.stdout.readline()  # it has found an address for its bridge
        processes = [pid for group in our_cgroups() for pid in (Path(group) / "cgroup.procs").read_text().split()]
        assert processes
        if " " not in end:
            assert tool.stdout.readline() == "ready\n"
            tool.send_signal(signal.SIGKILL if end == "kill" else signal.SIGTERM)
        assert tool.wait(60) == (0 if " " in end else -signal.SIGKILL if end == "kill" else 128 + signal.SIGTERM)
        wait_for(lambda: our_cgroups() == [])
        wait_for(lambda: not any(is_running(int(pid)) for pid in processes))  # whoever reaps them may take its time
