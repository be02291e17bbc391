"""What `labcore-runtime` keeps of a container, on disk and in cgroups: whose it is, and that nothing of it stays."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.procfs import start_time
from labcore.runtime.cgroups import Cgroup, removal
from tests.conftest import LEARNER, as_learner, needs_root
from tests.integration.test_oci import Bundle, rootfs
from tests.serving import eventually

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


def test_without_a_process_it_can_be_created_and_not_started(bundle: Bundle) -> None:
    del bundle.config["process"]
    bundle.create()
    assert "its config.json has no process" in bundle("start", bundle.name, status=1)
    assert json.loads(bundle("state", bundle.name))["status"] == "created"
    bundle("delete", bundle.name)


def test_a_pid_file_that_cannot_be_written_leaves_no_container(bundle: Bundle) -> None:
    bundle.program("sleep", "60")
    for path in ("/nowhere/pid", str(bundle.directory)):
        for command in (["create"], ["run", "--detach"]):
            said = bundle(*command, "--pid-file", path, bundle.name, status=1)
            assert f"--pid-file {path}: it cannot be written: " in said
            assert list(bundle.state.iterdir()) == []
            assert not any(os.path.exists(directory) for directory in Cgroup.near_own(bundle.name).directories.values())


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
    assert not any(os.path.exists(directory) for directory in Cgroup.near_own(bundle.name).directories.values())


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
        assert start_time(pid) is None
        assert not any(os.path.exists(directory) for directory in Cgroup.near_own(bundle.name).directories.values())
    else:
        os.kill(pid, 9)
        Cgroup.near_own(bundle.name).remove()


def test_what_else_lies_where_containers_are_remembered(bundle: Bundle) -> None:
    bundle.program("sleep", "60").create()
    (bundle.state / "file").touch()
    (bundle.state / "no name").mkdir()
    (bundle.state / "damaged").mkdir()
    (bundle.state / "damaged/state.json").write_bytes(b"\xff\xfe{")
    listed = bundle("list", "--quiet").splitlines()
    assert bundle.name in listed
    assert [line for line in listed if "no name" in line or "file" in line] == []
    assert any("container damaged: its state cannot be read" in line for line in listed)
    bundle("delete", "--force", "damaged")


def test_a_rule_for_devices_of_any_kind_is_no_rule_for_all_devices(bundle: Bundle) -> None:
    """Version 1 takes `a 10:229 rwm` for everything, whatever the numbers."""
    bundle.config["linux"]["resources"] = {
        "devices": [{"allow": False, "access": "rwm"}, {"allow": True, "type": "a", "major": 10, "minor": 229, "access": "rwm"}]
    }
    rights = {name: ["CAP_MKNOD"] for name in ("bounding", "effective", "permitted")}
    bundle.config["process"] |= {"capabilities": rights, "noNewPrivileges": False}
    bundle.config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
    look = "mknod /tmp/fuse c 10 229 && : < /tmp/fuse && echo opened; mknod /tmp/memory c 1 1 && : < /tmp/memory"
    said = bundle.run("sh", "-c", look, status=1)
    assert said.startswith("opened\n")
    assert "/tmp/memory: Operation not permitted" in said


def test_many_mounts(bundle: Bundle) -> None:
    (bundle.directory / "file").write_text("bound\n")
    source = str(bundle.directory / "file")
    bundle.config["mounts"] += [
        {"destination": f"/tmp/many/{number}", "source": source, "options": ["bind", "ro"]} for number in range(500)
    ]
    bundle.config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
    bundle.config["mounts"].insert(0, bundle.config["mounts"].pop())
    assert bundle.run("sh", "-c", "cat /tmp/many/* | grep -c bound; cat /tmp/many/499") == "500\nbound\n"
    bundle.config["mounts"] += [{"destination": "/x", "source": source, "options": ["bind"]}] * 2000
    assert "mounts: at most 2000 bind mounts, these are 2500" in bundle.run("true", status=1)


def test_policies_and_priorities(bundle: Bundle) -> None:
    """As the kernel shows them from outside: the image has no program that could ask."""
    bundle.config["process"] |= {
        "scheduler": {"policy": "SCHED_BATCH", "nice": 7, "flags": ["SCHED_FLAG_RESET_ON_FORK"]},
        "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 6},
    }
    bundle.program("sleep", "60").create()
    pid = json.loads(bundle("state", bundle.name))["pid"]
    assert os.sched_getscheduler(pid) == os.SCHED_BATCH | os.SCHED_RESET_ON_FORK
    assert os.getpriority(os.PRIO_PROCESS, pid) == 7
    assert subprocess.check_output(["ionice", "-p", str(pid)], text=True) == "best-effort: prio 6\n"


def test_clocks_of_a_containers_own(bundle: Bundle) -> None:
    bundle.config["linux"]["namespaces"].append({"type": "time"})
    bundle.config["linux"]["timeOffsets"] = {"boottime": {"secs": 1000000, "nanosecs": 5}, "monotonic": {"secs": 9}}
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    look = ["cut", "-d.", "-f1", "/proc/uptime"]
    assert int(bundle("exec", bundle.name, *look)) > 1000000
    pid = json.loads(bundle("state", bundle.name))["pid"]
    offsets = [line.split() for line in Path(f"/proc/{pid}/timens_offsets").read_text().splitlines()]
    assert offsets == [["monotonic", "9", "0"], ["boottime", "1000000", "5"]]


def test_processors_of_what_is_executed(bundle: Bundle) -> None:
    bundle.config["process"]["execCPUAffinity"] = {"initial": "0", "final": "0-1"}
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    for final in ("0-1", "1"):
        bundle.config["process"]["execCPUAffinity"]["final"] = final
        process = {**bundle.config["process"], "args": ["grep", "Cpus_allowed_list", "/proc/self/status"]}
        (bundle.directory / "process.json").write_text(json.dumps(process))
        said = bundle("exec", "--process", str(bundle.directory / "process.json"), bundle.name)
        assert said == f"Cpus_allowed_list:\t{final}\n"


def test_a_container_has_all_processors_of_its_cgroup_whatever_its_starter_has(bundle: Bundle) -> None:
    ours = sorted(os.sched_getaffinity(0))
    if len(ours) < 2:
        pytest.skip("needs two processors")
    first, second = ours[:2]
    look = ["grep", "Cpus_allowed_list", "/proc/self/status"]
    kept = ("taskset", "-c", str(first))
    status = Path("/proc/self/status").read_text()
    everything = next(line for line in status.splitlines() if line.startswith("Cpus_allowed_list")) + "\n"
    assert bundle.program(*look)("run", bundle.name, before=kept) == everything
    bundle.config["linux"]["resources"]["cpu"] = {"cpus": str(second), "mems": "0"}
    assert bundle.program(*look)("run", bundle.name, before=kept) == f"Cpus_allowed_list:\t{second}\n"
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    assert bundle("exec", bundle.name, *look, before=kept) == f"Cpus_allowed_list:\t{second}\n"


@pytest.mark.parametrize("words", [("delete", "--force"), ("kill",)])
def test_a_container_that_is_frozen_in_a_cgroup_below_its_own_ends(bundle: Bundle, words: tuple[str, ...]) -> None:
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    pid = json.loads(bundle("state", bundle.name))["pid"]
    (own,) = removal.freezers(Cgroup.near_own(bundle.name).entrances())
    below = f"{own}/below"
    os.mkdir(below)
    Path(f"{below}/cgroup.procs").write_text(str(pid))
    assert removal.freeze([below])
    bundle(*words, bundle.name, *(["KILL"] if words == ("kill",) else []))
    assert eventually(lambda: start_time(pid) is None)
    bundle("delete", "--force", bundle.name)
    assert not Path(own).exists()


def test_a_container_that_somebody_has_frozen_elsewhere_is_deleted(bundle: Bundle, group: Cgroup) -> None:
    (freezer,) = removal.freezers(group.entrances())
    if not Path(f"{freezer}/freezer.state").exists():
        pytest.skip("needs controllers of version 1: what version 2 has frozen can be killed")
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    pid = json.loads(bundle("state", bundle.name))["pid"]
    with subprocess.Popen(["sleep", "60"]) as bystander:
        try:
            for each in (pid, bystander.pid):
                Path(f"{freezer}/cgroup.procs").write_text(str(each))
            assert removal.freeze([freezer])
            bundle("delete", "--force", bundle.name)
            assert start_time(pid) is None
            assert removal.frozen([freezer])
            assert not any(os.path.exists(each) for each in Cgroup.near_own(bundle.name).entrances())
        finally:
            removal.thaw([freezer])
            bystander.kill()


def test_a_memory_policy(bundle: Bundle) -> None:
    bundle.config["linux"]["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}
    if not Path("/proc/self/numa_maps").exists():
        assert "memory policy MPOL_BIND 0: ENOSYS" in bundle.run("true", status=1)
        pytest.skip("this kernel knows no NUMA nodes")
    assert "bind=static:0" in bundle.run("head", "-1", "/proc/self/numa_maps")


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
