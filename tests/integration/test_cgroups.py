"""Cgroups as the kernel keeps them: what a version 2 cgroup's program for devices lets through."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.native import DEVNULL, PIPE
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.cgroups import devices, hierarchies
from labcore.runtime.cgroups.group import opened
from labcore.runtime.exec import exec_plan
from labcore.spec import BindRoot, ContainerSpec, DeviceRule
from tests.conftest import needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")

ALL, NONE = DeviceRule(True, "a", None, None, "rwm"), DeviceRule(False, "a", None, None, "rwm")
ZERO, CHARACTERS = ("c", 1, 5), ("c", 1, None)
EVERYTHING = "zero< zero> full< full> make"


@pytest.fixture
def group() -> Iterator[Path]:
    needs_root()
    where = hierarchies()
    if where.v2 is None:
        pytest.skip("needs a cgroup v2 tree")
    made = Path(where.v2, f"labcore-test-{os.getpid()}")
    made.mkdir()
    yield made
    made.rmdir()


@pytest.mark.parametrize(
    ("rules", "works"),
    [
        ([], ""),
        ([ALL], EVERYTHING),
        ([ALL, NONE], ""),
        ([NONE, ALL], EVERYTHING),
        ([NONE, DeviceRule(True, *ZERO, "rwm")], "zero< zero> make"),
        ([NONE, DeviceRule(True, *ZERO, "r")], "zero<"),
        ([NONE, DeviceRule(True, *CHARACTERS, "rw")], "zero< zero> full< full>"),
        ([DeviceRule(True, *ZERO, "rwm"), NONE], ""),
        ([ALL, DeviceRule(False, *ZERO, "w")], "zero< full< full> make"),
        ([ALL, DeviceRule(False, *CHARACTERS, "rwm"), DeviceRule(True, "c", None, 7, "rw")], "full< full>"),
        ([ALL, DeviceRule(False, "b", None, None, "rwm")], EVERYTHING),
        ([NONE, DeviceRule(True, "a", None, None, "m")], "make"),
        ([*devices.ALWAYS], EVERYTHING),
    ],
)
def test_the_last_rule_that_fits_decides(group: Path, tmp_path: Path, rules: list[DeviceRule], works: str) -> None:
    devices.attach(group, rules)
    script = (
        "for d in zero full; do ( : < /dev/$d ) 2>&- && echo $d'<'; ( : > /dev/$d ) 2>&- && echo $d'>'; done; "
        f"mknod {tmp_path}/zero c 1 5 2>&- && echo make; true"
    )
    fd = os.open(group, os.O_RDONLY)
    try:
        plan = Plan([ops.Clone(cgroup=fd), ops.Execve(("/bin/sh", "-c", script), ("PATH=/usr/bin:/bin",))])
        with spawn(plan, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL) as process:
            assert process.communicate(timeout=10)[0].decode().split() == works.split()
    finally:
        os.close(fd)


def test_whoever_brings_a_further_process_in_stays_outside_of_the_cgroup_namespace(group: Path) -> None:
    """Systemd mounts version 2 so that nobody brings one in across the root of his own: the process joins it alone."""
    join = f'echo $$ > {group}/cgroup.procs; exec unshare -C sh -c "echo; exec sleep 60"'
    with subprocess.Popen(["sh", "-ec", join], stdout=subprocess.PIPE) as first:
        assert first.stdout
        first.stdout.readline()
        spec = ContainerSpec(
            BindRoot(f"/proc/{first.pid}/root"), ("/bin/sh", "-c", "readlink /proc/self/ns/cgroup; cat /proc/self/cgroup")
        )
        with opened(str(group)) as cgroup, spawn(exec_plan(spec, first.pid), stdout=PIPE, cgroup=cgroup) as process:
            namespace, *cgroups = process.communicate(timeout=10)[0].decode().split()
        theirs = os.readlink(f"/proc/{first.pid}/ns/cgroup")
        first.kill()
    assert namespace == theirs != os.readlink("/proc/self/ns/cgroup")
    assert "0::/" in cgroups


def test_a_process_that_cannot_be_seen_is_not_our_own_group() -> None:
    """cgroup.procs of version 2 has 0 for it, and a signal to that would be one to all who were started with us."""
    code = "from labcore.runtime.cgroups import removal; removal.send(0, 15); print('alive')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, start_new_session=True)
    assert done.stdout == "alive\n"


LAYOUTS = {
    "as here": "true",
    # Where version 2 is all there is it stays: to mount it once more takes its options away from the whole machine.
    "v2": "test -e /sys/fs/cgroup/cgroup.controllers || { umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; }",
    "v1": "umount -R /sys/fs/cgroup; mount -t tmpfs none /sys/fs/cgroup; mkdir /sys/fs/cgroup/pids; "
    "mount -t cgroup -o pids none /sys/fs/cgroup/pids",
    "none": "umount -R /sys/fs/cgroup",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_container_without_limits_has_a_cgroup_of_its_own(layout: str, tmp_path: Path) -> None:
    """Seen from inside it is the root, where there is a cgroup namespace; nothing stays of it."""
    needs_root()
    if layout == "v1" and "cgroup.controllers" in os.listdir("/sys/fs/cgroup"):
        pytest.skip("needs controllers of version 1")
    named = {"as here": "0::", "v2": "0::", "v1": "pids:", "none": "no such line"}[layout]
    code = f"""
import labcore, os, sys
from pathlib import Path
from labcore.runtime.cgroups.hierarchy import main_hierarchy

root = Path(sys.argv[1])
labcore.Engine(root).seed("busybox")
for carrier in (None, "monitor"):
    for mode in ("private", "host"):
        ended = labcore.run("busybox", ["cat", "/proc/self/cgroup"], root=root, carrier=carrier, cgroupns_mode=mode)
        print(mode, *(line for line in ended.stdout.decode().split() if {named!r} in line))
where = main_hierarchy()
print("left", *(name for name in os.listdir(where.point) if name.startswith("labcore-")) if where else ())
"""
    inside = ["unshare", "-m", "sh", "-ec", f'{LAYOUTS[layout]}; exec "$@"', "sh", sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(inside, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *lines, left = (line.split() for line in done.stdout.splitlines())
    assert left == ["left"]
    for mode, *own in lines:
        if layout == "none":
            assert not own
        else:
            assert own[0].rpartition(":")[2] == "/" if mode == "private" else "/labcore-" in own[0]
