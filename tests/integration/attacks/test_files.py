"""Files that belong to the machine: the kernel's settings, devices, what is read-only, what is hidden."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labcore.runtime.cgroups import hierarchies
from labcore.spec import BindRoot
from tests.integration.attacks.conftest import EVERYTHING, Box, start
from tests.integration.test_oci import Bundle

pytestmark = pytest.mark.usefixtures("nothing_left")

# What takes a write, though only from those whom the kernel asks for a capability then, or which are /dev/null in truth.
HARMLESS = {"/proc/pressure/io", "/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/irq"}
SETTINGS = tuple(
    path
    for path in ("/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/proc/sys/kernel/core_pattern")
    if Path(path).exists()
)


def covered(path: str) -> bool:
    """Is this a file of /proc that every container has covered with /dev/null?"""
    from labcore.spec import MASKED_PATHS

    return path in MASKED_PATHS


def test_no_file_of_the_kernel_can_be_written_to(box: Box) -> None:
    """sysrq-trigger, core_pattern, release_agent ...: all of /proc and /sys is tried, with no byte to be written."""
    taken = box("attack", "writable", "/proc", "/sys").split()
    assert [path for path in taken if path not in HARMLESS and not covered(path)] == []
    taken = box("attack", "writable", *SETTINGS, stages={"protection": None}).split()
    assert taken == list(SETTINGS)  # root's own right is enough: what keeps it out is that they are mounted read-only


def test_nor_under_the_oci_runtime(bundle: Bundle) -> None:
    """The same; and without readonlyPaths, which the bundle names, it can."""
    taken = bundle.run("attack", "writable", "/proc", "/sys").split()
    assert [path for path in taken if path not in HARMLESS and not covered(path)] == []
    bundle.config["linux"]["readonlyPaths"] = []
    assert bundle.run("attack", "writable", *SETTINGS).split() == list(SETTINGS)


def test_what_is_read_only_cannot_be_remounted(box: Box, bundle: Bundle) -> None:
    """`mount -o remount,rw`: refused to whoever has no CAP_SYS_ADMIN; to its holder it is nothing but a mount."""
    script = "mount -o remount,bind,rw /proc/sys 2>/dev/null && echo remounted; umount /proc/sys 2>/dev/null && echo unmounted"
    assert box.sh(script) == ""
    assert bundle.run("sh", "-c", script, status=1) == ""
    assert box.sh(script, seccomp=None, capabilities=EVERYTHING) == "remounted\nunmounted\n"


def test_no_device_can_be_made(box: Box) -> None:
    """A node of the machine's disk, and all files lie open: labcore.run's containers lack CAP_MKNOD."""
    make = "mknod /dev/mem c 1 1 && echo made"
    assert "Operation not permitted" in box.sh(make)
    assert box.sh(make, seccomp=None, capabilities=EVERYTHING) == "made\n"


def test_a_device_that_is_made_cannot_be_opened(bundle: Bundle) -> None:
    """Docker's containers may make nodes; the cgroup's list of devices keeps them from being opened."""
    look = "mknod /tmp/node c 10 229 && : < /tmp/node && echo opened"
    assert "/tmp/node: Operation not permitted" in bundle.run("sh", "-c", look, status=1)
    bundle.config["linux"]["resources"]["devices"].append(
        {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rwm"}
    )
    assert bundle.run("sh", "-c", look) == "opened\n"


def test_devices_in_an_image_do_not_work(image_box: Box) -> None:
    """An image is unpacked by root, so it can bring nodes: `nodev`. Also where the root is to be read-only."""
    os.mknod(image_box.root / "zero", 0o020666, os.makedev(1, 5))
    for read_only in (False, True):
        root = BindRoot(str(image_box.root), read_only)
        assert "Permission denied" in image_box("head", "-c1", "/zero", root=root)
        assert image_box("head", "-c1", "/zero", root=root.replace(devices=True)) == "\0"
    assert "Read-only file system" in image_box("touch", "/new", root=BindRoot(str(image_box.root), read_only=True))


def test_devices_in_an_image_do_not_work_under_the_oci_runtime(bundle: Bundle, image: Path) -> None:
    """There the cgroup's list decides, as in runc."""
    os.mknod(image / "fuse", 0o020666, os.makedev(10, 229))
    bundle.config["root"]["path"] = str(image)
    assert "/fuse: Operation not permitted" in bundle.run("sh", "-c", ": < /fuse", status=1)


@pytest.mark.parametrize("target", ["/proc", "/sys", "/dev"])
def test_what_is_protected_by_its_path_lies_behind_no_link(bundle: Bundle, image: Path, tmp_path: Path, target: str) -> None:
    """An image's /proc is a link into a volume: a second container there could move it away before parts are covered."""
    volume = tmp_path / "volume"
    volume.mkdir()
    place = image / target[1:]
    if place.is_dir():
        place.rmdir()
    place.symlink_to("/volume/inside")
    bundle.config["root"]["path"] = str(image)
    bundle.config["mounts"].insert(0, {"destination": "/volume", "source": str(volume), "options": ["bind"]})
    (volume / "inside").mkdir()
    assert "ELOOP" in bundle.run("true", status=1)


def test_nothing_is_covered_by_a_file_of_the_images_own(bundle: Bundle, image: Path) -> None:
    """Without a /dev of its own a container has the image's; a link there would be mounted over what is to be hidden."""
    bundle.config["mounts"] = [mount for mount in bundle.config["mounts"] if not mount["destination"].startswith("/dev")]
    bundle.config["root"]["path"] = str(image)
    (image / "dev").mkdir(exist_ok=True)
    (image / "dev/null").symlink_to("/proc/sys/kernel/core_pattern")
    assert "ELOOP" in bundle.run("attack", "writable", "/proc/interrupts", status=1)
    (image / "dev/null").unlink()
    assert bundle.run("cat", "/proc/interrupts") == ""  # made anew, and good


def test_parameters_are_written_below_no_link_and_no_volume(bundle: Bundle, outside: Path) -> None:
    """An image's volume covers a part of /proc, and leads from there to whatever is to be written to with all rights."""
    (outside / "core").mkdir()
    (outside / "core/somaxconn").symlink_to("/mnt/target")
    (outside / "target").write_text("as it was")
    for place in ("/mnt", "/proc/sys/net"):
        bundle.config["mounts"].append({"destination": place, "source": str(outside), "options": ["bind"]})
    bundle.config["linux"]["sysctl"] = {"net.core.somaxconn": "61"}
    bundle.config["process"]["oomScoreAdj"] = 321
    start(bundle, "sleep", "60")
    assert (outside / "target").read_text() == "as it was"
    pid = json.loads(bundle("state", bundle.name))["pid"]
    look = ["nsenter", f"--net=/proc/{pid}/ns/net", "cat", "/proc/sys/net/core/somaxconn", f"/proc/{pid}/oom_score_adj"]
    assert subprocess.check_output(look, text=True).split() == ["61", "321"]


def test_scores_are_not_written_into_a_proc_of_the_images_own(bundle: Bundle, outside: Path) -> None:
    """Also not by a process that joins later: what it finds as /proc/self is the container's."""
    (outside / "self").mkdir()
    (outside / "self/oom_score_adj").symlink_to("/proc/target")
    (outside / "target").write_text("as it was")
    others = [mount for mount in bundle.config["mounts"] if mount["destination"] != "/proc"]
    bundle.config["mounts"] = [{"destination": "/proc", "source": str(outside), "options": ["bind"]}, *others]
    bundle.config["linux"] |= {"maskedPaths": [], "readonlyPaths": []}
    bundle.config["process"]["oomScoreAdj"] = 321
    start(bundle, "sleep", "60")
    bundle("exec", bundle.name, "true")
    assert (outside / "target").read_text() == "as it was"


def test_the_console_is_the_containers_own_terminal(bundle: Bundle, outside: Path) -> None:
    """/dev from a volume, whose pts/0 is a link: what is written to the console comes out of the terminal, and nowhere else."""
    (outside / "pts").mkdir()
    (outside / "own").mkdir()
    (outside / "console").touch()
    (outside / "pts/0").symlink_to("/dev/target")
    (outside / "ptmx").symlink_to("own/ptmx")
    (outside / "target").write_text("as it was")
    others = [mount for mount in bundle.config["mounts"] if not mount["destination"].startswith("/dev")]
    own = {"destination": "/dev/own", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]}
    bundle.config["mounts"] = [{"destination": "/dev", "source": str(outside), "options": ["bind"]}, own, *others]
    bundle.config["linux"] |= {"maskedPaths": [], "readonlyPaths": []}
    bundle.config["process"]["terminal"] = True
    bundle.program("sh", "-c", "echo to the console > /dev/console; sleep 60")
    assert b"to the console" in said_on_the_terminal(bundle)
    assert (outside / "target").read_text() == "as it was"
    bundle("delete", "--force", bundle.name)
    (outside / "console").unlink()
    (outside / "console").symlink_to("target")
    path = bundle.directory / "console.sock"
    with listening(path):
        assert "ELOOP" in bundle("create", "--console-socket", str(path), bundle.name, status=1)


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """Listen for a terminal that is sent."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield listener
    path.unlink()


def said_on_the_terminal(bundle: Bundle) -> bytes:
    """Start a container, and return what first comes out of its terminal."""
    path = bundle.directory / "console.sock"
    with listening(path) as listener:
        bundle("create", "--console-socket", str(path), bundle.name)
        connection, _ = listener.accept()
        with connection:
            _, (terminal,), _, _ = socket.recv_fds(connection, 100, 1)
    try:
        bundle("start", bundle.name)
        return os.read(terminal, 1000)
    finally:
        os.close(terminal)


def test_cgroups_cannot_be_left(bundle: Bundle) -> None:
    """cgroup.procs, release_agent and limits of one's own cgroup are mounted read-only; other mounts of it are refused."""
    bundle.config["mounts"].append(
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "ro"]}
    )
    script = (
        "find /sys/fs/cgroup -type f | head -1 | grep -q . && echo seen\n"
        "for f in $(find /sys/fs/cgroup -name cgroup.procs); do (echo 0 > $f) 2>/dev/null && echo moved; done\n"
        "for f in $(find /sys/fs/cgroup -type f); do (: >> $f) 2>/dev/null && echo $f; done; true"
    )
    assert bundle.run("sh", "-c", script) == "seen\n"
    if hierarchies().v1:
        bundle.config["mounts"][-1]["options"].remove("ro")
        assert "moved\n" in bundle.run("sh", "-c", script)  # within its own cgroup namespace, though


def test_a_release_agent_takes_the_machines_own_root(bundle: Bundle) -> None:
    """In a user namespace of one's own cgroups can be mounted, and the agent would run as the machine's root: CVE-2022-0492."""
    if not hierarchies().v1:
        pytest.skip("needs cgroup version 1, which has release agents")
    script = (
        "unshare -UrmC sh -c 'mount -t cgroup -o pids none /mnt 2>/dev/null && echo mounted;"
        " echo /x 2>/dev/null > /mnt/release_agent && echo set' 2>/dev/null; true"
    )
    assert bundle.run("sh", "-c", script) == ""  # the filter knows unshare
    del bundle.config["linux"]["seccomp"]
    assert "set" not in bundle.run("sh", "-c", script)  # and the kernel knows whose root it is
