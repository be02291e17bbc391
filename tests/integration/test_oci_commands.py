"""`labcore-runtime`'s command line, and what a program has from whoever calls it: options, streams."""

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.runtime.mount_flags import parse_options
from tests.integration.test_oci import Bundle, rootfs

__all__ = ["rootfs"]

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def bundle(rootfs: Path, tmp_path: Path) -> Iterator[Bundle]:
    made = Bundle(tmp_path, rootfs)
    yield made
    made("delete", "--force", made.name, status=None)


def test_an_option_letter_means_what_its_command_says(bundle: Bundle) -> None:
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    pid = json.loads(bundle("state", bundle.name))["pid"]
    assert json.loads(bundle("ps", "-f", "json", bundle.name)) == [pid]
    assert bundle("ps", bundle.name, "-o", "pid,comm").split() == ["PID", "COMMAND", str(pid), "sleep"]
    assert [each["id"] for each in json.loads(bundle("list", "-f", "json"))] == [bundle.name]
    assert "table or json is wanted" in bundle("list", "-f", "yaml", status=1)
    assert bundle("delete", "--help").startswith("usage: labcore-runtime")
    assert "no such option" in bundle("delete", "--for", bundle.name, status=1)
    assert json.loads(bundle("state", bundle.name))["status"] == "running"
    bundle("delete", "-f", bundle.name)
    assert "does not exist" in bundle("state", bundle.name, status=1)


def test_words_that_cannot_be_are_said(bundle: Bundle, tmp_path: Path) -> None:
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    for user in ("bob", "1000:", "-1", "1:users"):
        assert f"--user {user}: numbers are wanted" in bundle("exec", f"--user={user}", bundle.name, "id", status=255)
    (tmp_path / "broken").write_text("{")
    (tmp_path / "list").write_text("[]")
    for name in ("broken", "list", "nonesuch"):
        said = bundle("exec", "--process", str(tmp_path / name), bundle.name, status=255)
        assert said.startswith(f"labcore-runtime: --process {tmp_path / name}: ")
    assert "--pids-limit many: a number is wanted" in bundle("update", "--pids-limit", "many", bundle.name, status=1)
    bundle("update", "--pids-limit", "1k", bundle.name)
    bundle.config["process"]["user"] = {"uid": 0, "gid": 7, "additionalGids": [8]}
    assert bundle("exec", "--user", "1000", bundle.name, "sh", "-c", "id -u; id -g") == "1000\n0\n"


def test_what_works_for_all_mounts_below_is_listed(bundle: Bundle) -> None:
    options = json.loads(bundle("features"))["mountOptions"]
    recursive = {"rro", "rrw", "rnosuid", "rnodev", "rnoexec", "rnoatime", "rstrictatime", "rnosymfollow"}
    assert recursive <= set(options)
    for word in recursive:
        assert not parse_options((word,)).data


def test_the_streams_are_the_users_own(bundle: Bundle) -> None:
    """An engine's pipes are root's: their files could not be opened again, by /dev/stdout say."""
    bundle.config["process"]["user"] = {"uid": 1000, "gid": 1000}
    assert bundle.run("sh", "-c", "echo out > /dev/stdout; echo err > /dev/stderr") == "out\nerr\n"
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    said = bundle("exec", "--user", "1001", bundle.name, "sh", "-c", "echo out > /dev/stdout; cat /dev/stdin", input="in\n")
    assert said == "out\nin\n"
    assert os.stat(os.devnull).st_uid == 0


IDS = [{"containerID": 0, "hostID": 100000, "size": 65536}]


@pytest.fixture
def apart(bundle: Bundle, rootfs: Path, tmp_path: Path) -> Bundle:
    """A bundle in a user namespace, with a volume that lies where the namespace's root may not look."""
    for path in (rootfs, *rootfs.parents):
        if str(path).startswith("/tmp/"):
            path.chmod(0o755)
    (rootfs / "data").mkdir(exist_ok=True)
    (tmp_path / "closed" / "volume").mkdir(parents=True)
    (tmp_path / "closed" / "volume" / "file").write_text("from the host\n")
    (tmp_path / "closed").chmod(0o700)
    source = str(tmp_path / "closed" / "volume")
    bundle.config["mounts"].append({"destination": "/data", "type": "bind", "source": source, "options": ["rbind", "rro"]})
    bundle.config["linux"] |= {"uidMappings": IDS, "gidMappings": IDS}
    bundle.config["linux"]["namespaces"].append({"type": "user"})
    return bundle


LOOK = "cat /data/file; echo x > /data/new; grep -E ' /(proc|sys) ' /proc/self/mountinfo | sed 's/.* - //'"


def test_volumes_of_a_user_namespace_are_opened_by_whoever_starts_it(apart: Bundle) -> None:
    apart.config["process"]["oomScoreAdj"] = 500
    said = apart.run("sh", "-c", f"{LOOK}; cat /proc/self/oom_score_adj")
    assert "from the host\n" in said
    assert "can't create /data/new: Read-only file system" in said
    assert "from the host\nproc proc rw\nsysfs sysfs rw\n" in said  # the sources that config.json gives
    assert "\n500\n" in said


def test_the_machines_sysfs_where_no_new_one_can_be_mounted(apart: Bundle) -> None:
    """It belongs to the network namespace's owner: without one of its own, a user namespace has the machine's, read-only."""
    spaces = apart.config["linux"]["namespaces"]
    apart.config["linux"]["namespaces"] = [space for space in spaces if space["type"] != "network"]
    said = apart.run("sh", "-c", "ls /sys/kernel; echo 1 > /sys/kernel/mm/ksm/run", status=1)
    assert "mm" in said
    assert "Read-only file system" in said


@pytest.mark.parametrize("with_maps", [True, False])
def test_a_user_namespace_may_be_joined(apart: Bundle, with_maps: bool) -> None:
    """As docker's `--pid container:NAME` asks for where users are mapped: its maps stand, and are not written again."""
    apart.program("sleep", "60").create()
    apart("start", apart.name)
    pid = json.loads(apart("state", apart.name))["pid"]
    linux = apart.config["linux"]
    for space in linux["namespaces"]:
        if space["type"] in ("user", "pid"):
            space["path"] = f"/proc/{pid}/ns/{space['type']}"
    if not with_maps:
        del linux["uidMappings"], linux["gidMappings"]
    said = apart.program("sh", "-c", f"cat /proc/1/comm; id -u; {LOOK}")("run", f"{apart.name}-2")
    assert said.startswith("sleep\n0\nfrom the host\n")


@pytest.fixture
def shared(bundle: Bundle, rootfs: Path, tmp_path: Path) -> Iterator[Path]:
    """The bundle's root, on a mount that propagates, as a host's usually do."""
    place = tmp_path / "shared"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)], check=True)
    try:
        subprocess.run(["mount", "--make-shared", str(place)], check=True)
        subprocess.run(["cp", "-a", str(rootfs), str(place / "rootfs")], check=True)
        bundle.config["root"] = {"path": str(place / "rootfs")}
        yield place / "rootfs"
    finally:
        subprocess.run(["umount", "-R", "-l", str(place)], check=True)


def test_what_the_host_mounts_on_the_roots_directory_does_not_cover_the_container(bundle: Bundle, shared: Path) -> None:
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    subprocess.run(["mount", "-t", "tmpfs", "later", str(shared)], check=True)
    assert "later" not in bundle("exec", bundle.name, "cat", "/proc/self/mountinfo")
    bundle("delete", "--force", bundle.name)


def test_hooks_that_mount_into_the_container(bundle: Bundle, shared: Path, tmp_path: Path) -> None:
    """createContainer: in its namespaces, with its mounts below the root's directory, and the host's files around it."""
    (tmp_path / "data").mkdir()
    bundle.config["mounts"].append(
        {"destination": "/data", "type": "bind", "source": str(tmp_path / "data"), "options": ["bind"]}
    )
    hook = tmp_path / "hook"
    hook.write_text(
        f"#!/bin/sh\ncat > {tmp_path}/given; pwd > {tmp_path}/seen; ls -d proc/self {shared}/data >> {tmp_path}/seen\n"
        f"mkdir -p {shared}/hooked; mount -t tmpfs from-hook {shared}/hooked; touch {shared}/hooked/file\n"
    )
    hook.chmod(0o755)
    bundle.config["hooks"] = {"createContainer": [{"path": str(hook), "env": ["PATH=/usr/bin:/bin"]}]}
    said = bundle.run("sh", "-c", "ls /hooked /..; grep -c from-hook /proc/self/mountinfo; cut -d' ' -f5 /proc/self/mountinfo")
    assert said.startswith("/..:\n")
    assert "/hooked:\nfile\n1\n" in said
    assert str(tmp_path) not in said  # nothing of the host's tree stays
    assert (tmp_path / "seen").read_text().split() == [str(shared), f"{shared}/data", "proc/self"]
    assert json.loads((tmp_path / "given").read_text())["status"] == "creating"
    assert "from-hook" not in Path("/proc/self/mountinfo").read_text()


def test_descriptors_that_stay_open_leave_room_for_few_mounts(bundle: Bundle, tmp_path: Path) -> None:
    bundle.config["linux"]["namespaces"].append({"type": "user"})
    for name in ("uidMappings", "gidMappings"):
        bundle.config["linux"][name] = [{"containerID": 0, "hostID": 200_000, "size": 1000}]
    mount = {"type": "bind", "source": str(tmp_path), "options": ["bind"]}
    bundle.config["mounts"] += [mount | {"destination": f"/mnt/{number}"} for number in range(40)]
    opened = ("sh", "-c", 'exec 3< /dev/null; exec "$@"', "sh")
    said = bundle("run", "--preserve-fds", "1", bundle.name, status=1, before=opened, close_fds=True)
    assert "--preserve-fds: with a user namespace at most" in said


def test_a_pid_file_takes_the_place_of_a_file_alone(bundle: Bundle, tmp_path: Path) -> None:
    device = tmp_path / "null"
    os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    bundle.program("sleep", "60").create("--log", str(tmp_path / "log"))
    bundle("start", bundle.name)
    bundle("exec", "--pid-file", str(device), bundle.name, "true")
    assert stat.S_ISCHR(device.stat().st_mode)
    bundle("exec", "--pid-file", str(tmp_path / "pid"), bundle.name, "true")
    assert int((tmp_path / "pid").read_text()) > 1
    said = bundle("exec", "--detach", "--pid-file", "/nowhere/pid", bundle.name, "sleep", "77", status=255)
    assert "--pid-file /nowhere/pid: it cannot be written" in said
    assert len(json.loads(bundle("ps", "--format", "json", bundle.name))) == 1
