"""What `labcore-runtime` keeps of a container, on disk and in cgroups: whose it is, and that nothing of it stays."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.runtime.cgroups import Cgroup
from labcore.runtime.oci.life import start_of
from tests.conftest import LEARNER, as_learner, needs_root
from tests.integration.test_oci import Bundle, rootfs

__all__ = ["rootfs"]
pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def bundle(rootfs: Path, tmp_path: Path) -> Iterator[Bundle]:
    made = Bundle(tmp_path, rootfs)
    yield made
    made("delete", "--force", made.name, status=None)


@pytest.fixture
def group() -> Iterator[Cgroup]:
    """A cgroup that somebody else has made."""
    group = Cgroup.near_own(f"labcore-test-others-{os.getpid()}")
    group.make()
    yield group
    group.thaw()
    group.remove()


@pytest.fixture
def bystander(group: Cgroup) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of somebody else's in it."""
    with subprocess.Popen(["sleep", "60"]) as process:
        for directory in group.entrances():
            Path(directory, "cgroup.procs").write_text(str(process.pid))
        yield process
        process.kill()


def in_group(bundle: Bundle, group: Cgroup) -> Bundle:
    bundle.config["linux"]["cgroupsPath"] = group.path
    return bundle.program("sleep", "60")


def test_a_cgroup_with_processes_of_others_is_refused(
    bundle: Bundle, group: Cgroup, bystander: "subprocess.Popen[bytes]"
) -> None:
    assert f"processes of others are in it ({bystander.pid})" in in_group(bundle, group)("create", bundle.name, status=1)
    assert list(bundle.state.iterdir()) == []
    assert bystander.poll() is None
    assert group.processes() == [bystander.pid]


def test_a_cgroup_above_those_of_others_is_refused(bundle: Bundle, group: Cgroup, bystander: "subprocess.Popen[bytes]") -> None:
    assert "processes of others are in it" in in_group(bundle, Cgroup("/"))("create", bundle.name, status=1)
    assert bystander.poll() is None


def test_a_cgroup_that_was_there_before_stays(bundle: Bundle, group: Cgroup) -> None:
    in_group(bundle, group).create()
    assert group.processes() == [json.loads(bundle("state", bundle.name))["pid"]]
    bundle("delete", "--force", bundle.name)
    assert group.processes() == []
    assert all(Path(directory).is_dir() for directory in group.entrances())
    bundle.config["process"]["args"] = ["/no/such"]
    assert "not found" in bundle("create", bundle.name, status=1)
    assert all(Path(directory).is_dir() for directory in group.entrances())


def test_whoever_comes_into_a_cgroup_that_was_there_before_is_left_alone(bundle: Bundle, group: Cgroup) -> None:
    in_group(bundle, group).create()
    with subprocess.Popen(["sleep", "60"]) as later:
        for directory in group.entrances():
            Path(directory, "cgroup.procs").write_text(str(later.pid))
        bundle("kill", "--all", bundle.name, "KILL")
        bundle.wait_for("stopped")
        bundle("delete", bundle.name)
        assert later.poll() is None
        later.kill()


def test_a_frozen_cgroup_is_refused(bundle: Bundle, group: Cgroup) -> None:
    group.freeze()
    assert "it is frozen: thaw it" in in_group(bundle, group)("create", bundle.name, status=1)
    below = Cgroup(f"{group.path}/below")
    assert "one above it is frozen" in in_group(bundle, below)("create", bundle.name, status=1)
    assert not any(Path(directory).exists() for directory in below.entrances())


def test_the_same_name_below_another_root(bundle: Bundle) -> None:
    bundle.program("sleep", "60").create()
    others = bundle.state
    bundle.state = bundle.directory / "another"
    assert "processes of others are in it" in bundle("create", bundle.name, status=1)
    bundle("delete", "--force", bundle.name)
    bundle.state = others
    assert json.loads(bundle("state", bundle.name))["status"] == "created"


def test_a_paused_container_can_be_killed(bundle: Bundle) -> None:
    for words in (["kill", bundle.name, "KILL"], ["kill", "--all", bundle.name, "KILL"]):
        bundle.program("sleep", "60").create()
        bundle("start", bundle.name)
        bundle("pause", bundle.name)
        bundle(*words)
        bundle.wait_for("stopped")
        bundle("delete", bundle.name)


def test_a_pid_file_that_cannot_be_written_leaves_no_container(bundle: Bundle) -> None:
    bundle.program("sleep", "60")
    for path in ("/nowhere/pid", str(bundle.directory)):
        for command in (["create"], ["run", "--detach"]):
            said = bundle(*command, "--pid-file", path, bundle.name, status=1)
            assert f"--pid-file {path}: it cannot be written: " in said
            assert list(bundle.state.iterdir()) == []
            assert not any(directory.exists() for directory in Cgroup.near_own(bundle.name).directories().values())


def test_a_creation_that_is_killed_in_a_hook(bundle: Bundle) -> None:
    """It is in the way of no other, `list` says so, and `delete --force` leaves nothing."""
    hook = {"path": "/bin/sh", "args": ["sh", "-c", f"echo $$ > {bundle.directory}/hook; exec sleep 60"]}
    bundle.config["hooks"] = {"createRuntime": [hook]}
    (bundle.directory / "config.json").write_text(json.dumps(bundle.config))
    command = [sys.executable, "-m", "labcore.runtime.oci.cli", "--root", str(bundle.state), "create", bundle.name]
    with subprocess.Popen(command, cwd=bundle.directory, stderr=subprocess.DEVNULL) as creation:
        while not (bundle.directory / "hook").exists() or not (bundle.directory / "hook").read_text():
            time.sleep(0.01)
        assert bundle("list") == f"{'ID':20} {'PID':>8} {'STATUS':10} {'BUNDLE':40} CREATED\n"
        creation.kill()
    os.kill(int((bundle.directory / "hook").read_text()), 9)
    assert f"container {bundle.name} was never made to its end: delete --force" in bundle("list")
    assert "does not exist" in bundle("delete", bundle.name, status=1)
    bundle("delete", "--force", bundle.name)
    assert list(bundle.state.iterdir()) == []
    assert not any(directory.exists() for directory in Cgroup.near_own(bundle.name).directories().values())


@pytest.mark.parametrize("damaged", [["life"], ["state.json"], ["life", "state.json"]], ids=" ".join)
def test_a_damaged_container_is_in_nobodys_way(bundle: Bundle, damaged: list[str]) -> None:
    bundle.program("sleep", "60").create()
    pid = json.loads(bundle("state", bundle.name))["pid"]
    for name in damaged:
        file = bundle.state / bundle.name / name
        file.write_text(file.read_text()[:-5])
    other = Bundle(bundle.directory, Path(bundle.config["root"]["path"]))
    other.name += "-other"
    other.program("sleep", "60").create()
    listed = bundle("list", "--quiet")
    assert f"container {bundle.name}: its state cannot be read" in listed
    assert other.name in listed.splitlines()
    other("delete", "--force", other.name)
    bundle("delete", "--force", bundle.name)
    assert list(bundle.state.iterdir()) == []
    if len(damaged) == 1:
        assert start_of(pid) is None
        assert not any(directory.exists() for directory in Cgroup.near_own(bundle.name).directories().values())
    else:
        os.kill(pid, 9)
        Cgroup.near_own(bundle.name).remove()


@pytest.mark.parametrize(("owner", "mode"), [(LEARNER + 1, 0o700), (LEARNER + 1, 0o777), (LEARNER, 0o777)])
def test_containers_in_a_directory_that_somebody_else_has_made(owner: int, mode: int) -> None:
    """Without a directory for a session it lies in /tmp, where anybody can have made it, with containers and their hooks."""
    needs_root()
    place = Path(f"/tmp/labcore-{LEARNER}")
    command = (sys.executable, "-m", "labcore.runtime.oci.cli", "list", "--quiet")
    place.mkdir()
    try:
        os.chown(place, owner, owner)
        place.chmod(mode)
        said = as_learner(*command)
        assert (said.returncode, "could have put anything there" in said.stderr) == (1, True)
        place.rmdir()
        assert as_learner(*command).returncode == 0
        assert (place.stat().st_uid, place.stat().st_mode & 0o777) == (LEARNER, 0o700)
    finally:
        place.rmdir()
