"""Each option of `docker run` that concerns the container itself: what its program sees, and what is refused before."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import labcore
from labcore.engine import Engine
from labcore.errors import InvalidInput, LabcoreError, Unavailable
from labcore.runtime.cgroups import hierarchies
from labcore.runtime.cgroups.hierarchy import own_path
from labcore.runtime.probe import confined
from tests.conftest import needs_root

pytestmark = pytest.mark.usefixtures("served", "nothing_left")
LABCORE = [sys.executable, "-P", "-m", "labcore"]
TIOCGPTN = 0x80045430  # linux/ioctls.h: the number of a terminal
SYSCTLS = "/proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/ip_unprivileged_port_start"
LISTEN = "nc -l -p 80 & timeout 5 sh -c 'until grep -q :0050 /proc/net/tcp6; do sleep 0.02; done; echo listens'"
CAPABILITIES = "grep -E 'Cap(Eff|Bnd)' /proc/self/status | cut -f2 | sort -u"


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


def seen(engine: Engine, script: str, **options: Any) -> str:
    done = labcore.run("busybox", ["sh", "-c", script], root=engine.root, **options)
    assert done.exit_code == 0, (done.stdout, done.stderr)
    return done.stdout.decode().strip()


SEEN: list[tuple[dict[str, Any], str, str]] = [
    ({"user": "7:8", "group_add": ["9", "root"]}, "id -u; id -g; id -G", "7\n8\n8 0 9"),
    ({"group_add": [77]}, "id -G", "0 77"),
    ({"user": "root"}, "grep Groups /proc/self/status | cut -f2", "0"),
    ({"cap_drop": ["ALL"], "cap_add": ["cap_net_admin"]}, CAPABILITIES, "0000000000001000"),
    ({"cap_drop": ["all"]}, CAPABILITIES, "0000000000000000"),
    ({"cap_drop": ["CHOWN"]}, CAPABILITIES, "00000000a00425fa"),
    ({"cap_add": ["MKNOD"]}, CAPABILITIES, "00000000a80425fb"),
    ({"cap_add": ["SYS_ADMIN"]}, "mkdir /m; mount -t tmpfs none /m && echo ok", "ok"),
    ({"security_opt": ["no-new-privileges"]}, "grep NoNewPrivs /proc/self/status | cut -f2", "1"),
    ({"security_opt": ["seccomp=unconfined"]}, "grep Seccomp: /proc/self/status | cut -f2", "0"),
    ({}, "grep Seccomp: /proc/self/status | cut -f2", "2"),
    ({"privileged": True}, "grep Seccomp: /proc/self/status | cut -f2; test -w /proc/sys/kernel/hostname && echo w", "0\nw"),
    ({"security_opt": ["systempaths=unconfined"]},
     "grep -c ' /proc/[a-z]' /proc/self/mountinfo; wc -c < /proc/keys | grep -v ^0$ >&2; true", "0"),
    ({"security_opt": ["mask=/proc/version"]}, "cat /proc/version", ""),
    ({"security_opt": ["unmask=/proc/keys"]}, "grep -c ' /proc/keys ' /proc/self/mountinfo; true", "0"),
    ({"ulimits": ["nofile=100:200", "core=0"]}, "ulimit -Sn; ulimit -Hn; ulimit -c", "100\n200\n0"),
    ({"shm_size": "1m"}, "df -k /dev/shm | tail -1 | awk '{print $2}'", "1024"),
    ({"sysctls": {"net.ipv4.ip_forward": 1, "kernel/shmmni": "99"}},
     "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni", "1\n99"),
    ({"user": "7"}, f"cat {SYSCTLS}; {LISTEN}", "0\t2147483647\n0\nlistens"),
    ({"sysctls": {"net.ipv4.ip_unprivileged_port_start": 99}}, f"cat {SYSCTLS}", "0\t2147483647\n99"),
    ({"remap": "100000"}, f"cat {SYSCTLS}", "65534\t65534\n0"),
    ({"network_mode": "host"}, f"cat {SYSCTLS}", "\n".join(Path(path).read_text().strip() for path in SYSCTLS.split())),
    ({"oom_score_adj": 300}, "cat /proc/self/oom_score_adj", "300"),
    ({"read_only": True},
     "touch /x 2>/dev/null || echo no; echo a > /dev/shm/x; (: >> /etc/hosts) 2>/dev/null || echo no", "no\nno"),
    ({"read_only": True, "tmpfs": ["/run"]}, "touch /run/x; echo yes", "yes"),
    ({"read_only": True, "remap": "100000"}, "touch /x 2>/dev/null || echo no; tail -1 /etc/hosts", "no\n127.0.0.1\tlabcore"),
    ({"hostname": "box",
     "domainname": "example"}, "hostname; cat /proc/sys/kernel/domainname /etc/hostname; "
     "echo $HOSTNAME", "box\nexample\nbox\nbox"),
    ({"uts_mode": "host"}, "hostname", os.uname().nodename),
    ({"network_mode": "host"},
     "hostname; readlink /proc/self/ns/net", f"{os.uname().nodename}\nHOST:net"),
    ({"ipc_mode": "host"}, "readlink /proc/self/ns/ipc", "HOST:ipc"),
    ({"ipc_mode": "none"}, "grep -c /dev/shm /proc/self/mountinfo; true", "0"),
    ({"cgroupns_mode": "host"}, "readlink /proc/self/ns/cgroup", "HOST:cgroup"),
    ({"pid_mode": "host"}, "readlink /proc/self/ns/pid", "HOST:pid"),
    ({"userns_mode": "host", "remap": "100000"}, "cat /proc/self/uid_map | tr -s ' '", " 0 0 4294967295"),
    ({"devices": ["/dev/fuse:/dev/a/b:r"]}, "(: < /dev/a/b) && echo yes; (: > /dev/a/b) 2>/dev/null || echo no", "yes\nno"),
    ({"device_cgroup_rules": ["c 1:11 r"], "cap_add": ["MKNOD"]},
     "mknod /dev/k c 1 11; (: > /dev/k) 2>/dev/null || echo no", "no"),
    ({"privileged": True}, "test -e /dev/kmsg && echo there", "there" if os.path.exists("/dev/kmsg") else ""),
    ({"env": {"A": "b", "HOME": None}}, "echo $A; env | grep -c ^HOME=; true", "b\n0"),
    ({"entrypoint": "echo"}, "", "sh -c"),
    ({}, "ping -c1 -W1 localhost | grep -c '1 packets received'; ping -c1 labcore | grep -c '1 packets rec'", "1\n1"),
    ({"extra_hosts": {"there": "10.1.2.3"}}, "grep there /etc/hosts", "10.1.2.3\tthere"),
    ({"dns": ["9.9.9.9"], "dns_search": ["a.b"], "dns_options": ["ndots:2"]}, "cat /etc/resolv.conf",
     "nameserver 9.9.9.9\nsearch a.b\noptions ndots:2"),
    ({"user": "7"}, "cat /etc/hostname; test -w /etc/hosts || echo no", "labcore\nno"),
    ({"init": True, "read_only": True}, "ls -l /proc/1/exe | sed 's/.*-> //'", "/dev/labcore-init"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "script", "wanted"), SEEN, ids=lambda value: str(value)[:60])
def test_what_a_container_sees(engine: Engine, options: dict[str, Any], script: str, wanted: str) -> None:
    # The host's namespaces are looked up here, for a test has one name in all workers.
    wanted = re.sub(r"HOST:(\w+)", lambda kind: os.readlink(f"/proc/self/ns/{kind[1]}"), wanted)
    assert seen(engine, script, **options) == wanted.strip()


def limit(v1: str, v2: str) -> str:
    """Return the script that prints a limit of the cgroup that the process is in, seen from the host."""
    return v2 if hierarchies().mode == "v2" else v1


LIMITS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"memory": "64m"}, "memory", "memory.limit_in_bytes", "67108864"),
    ({"memory": "64m"}, "memory", "memory.memsw.limit_in_bytes", "134217728"),
    ({"memory": "64m", "memory_swap": "-1"}, "memory", "memory.memsw.limit_in_bytes", "9223372036854771712"),
    ({"memory": "64m", "memory_reservation": "32m"}, "memory", "memory.soft_limit_in_bytes", "33554432"),
    ({"memory_swappiness": 10}, "memory", "memory.swappiness", "10"),
    ({"oom_kill_disable": True}, "memory", "memory.oom_control", "oom_kill_disable 1"),
    ({"cpus": 0.5}, "cpu", "cpu.cfs_quota_us", "50000"),
    ({"cpu_quota": 20000, "cpu_period": 50000}, "cpu", "cpu.cfs_period_us", "50000"),
    ({"cpu_shares": 512}, "cpu", "cpu.shares", "512"),
    ({"cpuset_cpus": "0"}, "cpuset", "cpuset.cpus", "0"),
    ({"cpuset_mems": "0"}, "cpuset", "cpuset.mems", "0"),
    ({"pids_limit": 20}, "pids", "pids.max", "20"),
]


@pytest.mark.parametrize(("options", "controller", "file", "wanted"), LIMITS, ids=lambda value: str(value)[:40])
def test_limits_stand_in_the_containers_cgroup(
    engine: Engine, options: dict[str, Any], controller: str, file: str, wanted: str
) -> None:
    directory = Path(hierarchies().directory(controller) or "/nowhere")
    if hierarchies().mode == "v2" or not (directory / "cgroup.procs").exists():
        pytest.skip("needs the memory controller of version 1")
    own = own_path(controller)
    if not (directory / own.strip("/") / file).exists() and not any(directory.glob(f"*/{file}")):
        pytest.skip(f"this kernel has no {file}")
    path = f"{directory}{'' if own == '/' else own}/labcore-*/{file}"
    said = seen(engine, f"cat /host{path}", volumes=["/sys/fs/cgroup:/host/sys/fs/cgroup:ro"], **options)
    assert wanted in said


def test_a_fork_bomb_and_a_memory_hog_stay_in_their_cgroup(engine: Engine) -> None:
    script = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1 & done 2>&1; wait"
    done = labcore.run("busybox", ["sh", "-c", script], root=engine.root, pids_limit=5)
    assert b"fork" in done.stdout + done.stderr
    hungry = labcore.run(
        "busybox", ["sh", "-c", "x=ab; while true; do x=$x$x; done"], root=engine.root, memory="16m", timeout=60
    )
    assert hungry.exit_code == 137


def test_a_profile_of_ones_own_refuses_by_capability(engine: Engine, tmp_path: Path) -> None:
    """In docker's format: a rule is there only for containers that have, or lack, a capability."""
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}],
        "syscalls": [
            {
                "names": ["mkdir", "mkdirat"],
                "action": "SCMP_ACT_ERRNO",
                "errnoRet": 28,
                "excludes": {"caps": ["CAP_NET_ADMIN"]},
            },
            {"names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO", "includes": {"minKernel": "99.0"}},
        ],
    }
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(profile))
    option = [f"seccomp={file}"]
    script = "mkdir /tmp/x 2>&1; chmod 700 /root && echo mode"
    assert "No space left" in seen(engine, script, security_opt=option)
    assert seen(engine, script, security_opt=option, cap_add=["NET_ADMIN"]) == "mode"
    for bad in ("{", "[]", '{"defaultAction": "x"}', '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [5]}]}'):
        file.write_text(bad)
        with pytest.raises(InvalidInput, match="seccomp: "):
            labcore.run("busybox", ["true"], root=engine.root, security_opt=option)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"cpus": 1, "cpu_quota": 5000}, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"),
    ({"memory": "1m"}, "Minimum memory limit allowed is 6MB"),
    ({"memory_swap": "64m"}, "always set the Memory limit"),
    ({"memory": "64m", "memory_swap": "32m"}, "the memory alone is"),
    ({"memory": "64m", "memory_reservation": "65m"}, "less than memory reservation"),
    ({"cpus": 999}, "range of CPUs is from 0.01 to"),
    ({"cpu_quota": 99_900_000}, "this machine has"),
    ({"cpu_period": 10}, "microseconds are the least"),
    ({"cpu_quota": 10}, "microseconds are the least"),
    ({"blkio_weight": 5}, "10 is the least"),
    ({"cpuset_cpus": "999"}, "Requested CPUs are not available - requested 999, available: 0"),
    ({"cap_add": ["NOPE"]}, "no such capability"),
    ({"devices": ["/dev/nope"]}, 'custom device "/dev/nope": no such file or directory'),
    ({"devices": ["/etc/passwd"]}, "not a device node"),
    ({"sysctls": {"kernel.pid_max": 1}}, "whole machine's"),
    ({"sysctls": {"net.ipv4.ip_forward": 1}, "network_mode": "host"}, "not the container's own"),
    ({"network": "nowhere"}, "network nowhere not found"),
    ({"network_mode": "bridge"}, "there are none, host"),
    ({"network_mode": "container:x"}, "No such container: x"),
    ({"pid_mode": "container:x"}, "No such container: x"),
    ({"ipc_mode": "container:x"}, "No such container: x"),
    ({"uts_mode": "host", "hostname": "x"}, "leave one of them out"),
    ({"userns_mode": "keep-id"}, "host is all there is"),
    ({"group_add": ["nosuch"]}, "unable to find group nosuch"),
    ({"tty": True}, "labcore run -t"),
    ({"name": "x"}, "Invalid container name"),
    ({"user": "nosuch"}, "no matching entries in passwd file"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=lambda value: str(value)[:60])
def test_refusals_name_field_and_cure_before_anything_is_made(engine: Engine, options: dict[str, Any], message: str) -> None:
    before = engine.volumes.names()
    with pytest.raises(LabcoreError, match=message) as caught:
        labcore.run("busybox", ["true"], root=engine.root, volumes=["/anonymous"], **options)
    assert "\n" not in str(caught.value)
    assert engine.volumes.names() == before


def test_apparmor_is_refused_where_there_is_none(engine: Engine) -> None:
    if os.path.exists("/sys/kernel/security/apparmor"):
        pytest.skip("needs a kernel without AppArmor")
    with pytest.raises(Unavailable, match="leave it out"):
        labcore.run("busybox", ["true"], root=engine.root, security_opt=["apparmor=docker-default"])
    assert seen(engine, "echo ok", security_opt=["apparmor=unconfined"]) == "ok"


def test_a_plan_has_binds_but_holds_no_volumes(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("bound\n")
    plan = labcore.plan("busybox", ["cat", "/x/file"], root=engine.root, volumes=[f"{tmp_path}:/x:ro"], tmpfs=["/y"])
    with labcore.spawn(plan, stdin=labcore.DEVNULL, stdout=labcore.PIPE) as process:
        assert process.communicate(timeout=30)[0] == b"bound\n"
    with pytest.raises(InvalidInput, match="use run"):
        labcore.plan("busybox", root=engine.root, volumes=["data:/x"])


# --- files in /etc


def test_a_directory_as_root_is_not_written_into(engine: Engine, tmp_path: Path) -> None:
    layer = Path(engine.layers.directory, engine.spec("busybox", ["true"]).root.stack()[0])
    root = tmp_path / "root"
    subprocess.run(["cp", "-a", str(layer), str(root)], check=True)
    (root / "etc/hosts").write_text("mine\n")
    done = labcore.run(rootfs=str(root), argv=["sh", "-c", "cat /etc/hosts; echo x >> /etc/hosts"], hostname="box")
    assert done.stdout.decode().splitlines()[-1] == "127.0.0.1\tbox"
    assert (root / "etc/hosts").read_text() == "mine\n"
    assert (root / "etc/resolv.conf").read_bytes() == b""  # made to be mounted on


def test_what_a_container_writes_there_is_gone_afterwards(engine: Engine) -> None:
    assert seen(engine, "echo 1.2.3.4 mine >> /etc/hosts; grep -c mine /etc/hosts") == "1"
    assert seen(engine, "grep -c mine /etc/hosts; true") == "0"
    assert seen(engine, "rm /etc/hosts 2>/dev/null; cat /etc/hostname", remap="100000") == "labcore"


def test_a_mount_of_the_callers_goes_before(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("127.0.0.1 mine\n")
    assert seen(engine, "cat /etc/hosts", volumes=[f"{tmp_path}/hosts:/etc/hosts"]) == "127.0.0.1 mine"
    assert seen(engine, "ls /etc; cat /etc/hostname", volumes=["/etc"], hostname="box").splitlines()[-1] == "box"


def test_two_at_once_have_files_of_their_own(engine: Engine) -> None:
    command = [
        *LABCORE,
        "--root",
        str(engine.root),
        "run",
        "-i",
        "-h",
        "one",
        "busybox",
        "sh",
        "-c",
        "read x; cat /etc/hostname",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        time.sleep(0.3)
        assert seen(engine, "cat /etc/hostname", hostname="two") == "two"
        assert first.communicate(b"\n", 30)[0] == b"one\n"


# --- on the command line


def run(engine: Engine, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [*LABCORE, "--root", str(engine.root), "run", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_host_is_named_after_the_containers_id(engine: Engine, tmp_path: Path) -> None:
    cidfile = tmp_path / "id"
    done = run(engine, "--cidfile", str(cidfile), "busybox", "sh", "-c", "hostname; echo $HOSTNAME")
    assert done.stdout.split() == [cidfile.read_text()[:12]] * 2
    assert len(cidfile.read_text()) == 64
    again = run(engine, "--cidfile", str(cidfile), "busybox", "true")
    assert (again.returncode, "name another" in again.stderr) == (125, True)


def test_options_reach_the_container(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "labels").write_text("# none\na=b\n")
    words = [
        "--rm=true",
        "--init=false",
        "-u",
        "7",
        "--cap-drop=ALL",
        "--ulimit",
        "nofile=50",
        "--label-file",
        f"{tmp_path}/labels",
    ]
    words += ["-l", "c", "-m", "64m", "--pids-limit", "9", "--dns", "1.1.1.1", "--tmpfs", "/t:size=1m", "--stop-signal", "INT"]
    done = run(engine, *words, "busybox", "sh", "-c", "id -u; ulimit -n; cat /etc/resolv.conf; grep -c ' /t ' /proc/mounts")
    assert (done.stdout, done.stderr) == ("7\n50\nnameserver 1.1.1.1\n1\n", "")


def test_an_empty_entrypoint_clears_the_images(engine: Engine) -> None:
    done = run(engine, "--entrypoint", "", "hello-world")
    assert (done.returncode, "argv is empty" in done.stderr) == (125, True)


def test_a_terminal_needs_one(engine: Engine) -> None:
    done = run(engine, "-it", "busybox", "true")
    assert (done.returncode, "not a TTY" in done.stderr) == (125, True)
    assert run(engine, "-t", "busybox", "sh", "-c", "tty; echo $TERM").stdout.split() == ["/dev/pts/0", "xterm"]


def test_in_a_user_namespace(engine: Engine) -> None:
    assert not confined()
    assert (
        seen(engine, "head -c2 /dev/a | wc -c; cat /etc/hostname", remap="100000", devices=["/dev/zero:/dev/a"]) == "2\nlabcore"
    )
