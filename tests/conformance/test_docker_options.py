"""The same options for `docker run` and `labcore run`: a container sees the same, and the same is refused."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.engine import Engine
from tests.conformance.conftest import running_dockerd
from tests.conftest import needs_root
from tests.peers import Peers

CAPABILITIES = "grep -E 'Cap(Eff|Bnd|Prm|Inh)|NoNew|Seccomp:' /proc/self/status"
LIMITS = "for l in n u c f l s v; do ulimit -S$l; ulimit -H$l; done"


@pytest.fixture(scope="module")
def docker(peer: Peers, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Give the words of a docker that has the image `busybox`."""
    needs_root()
    peer.needs("dockerd", "docker")
    with running_dockerd(peer, tmp_path_factory.mktemp("docker"), "--exec-opt", "native.cgroupdriver=cgroupfs") as words:
        subprocess.run([*words, "import", str(archive), "busybox"], check=True, capture_output=True)
        yield words


def both(docker: list[str], engine: Engine, words: str, script: str) -> "tuple[subprocess.CompletedProcess[str], ...]":
    run = ["run", "--rm", *words.split(), "busybox", "sh", "-c", script]
    if "--net" not in words:
        run[2:2] = ["--network", "none"]
    ours = [sys.executable, "-P", "-m", "labcore", "--root", str(engine.root), *run]
    return tuple(
        subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        for command in ([*docker, run[0], "--pull", "never", *run[1:]], ours)
    )


PINGS, PORTS = "/proc/sys/net/ipv4/ping_group_range", "/proc/sys/net/ipv4/ip_unprivileged_port_start"
SAME = [
    ("-h box --domainname example", "hostname; cat /proc/sys/kernel/domainname /etc/hostname; echo $HOSTNAME"),
    ("-u 7", "id -u; id -g; id -G; env | grep -v HOSTNAME | sort"),
    ("-u 7:8 --group-add 9 --group-add root", "id -u; id -g; id -G"),
    ("-e A=b -e C= -e HOME -w /x/y", "echo $A $C; pwd"),
    ("--cap-drop ALL --cap-add CAP_NET_ADMIN", CAPABILITIES),
    ("--cap-drop all", CAPABILITIES),
    ("--cap-add ALL --cap-drop MKNOD", CAPABILITIES),
    ("--cap-add sys_admin --cap-add MKNOD", CAPABILITIES),
    ("--privileged", CAPABILITIES),
    ("", f"{CAPABILITIES}; id; awk '$2 == \"/\" {{print $4}}' /proc/mounts | cut -d, -f1-2"),
    ("-u 7", CAPABILITIES),
    ("--security-opt no-new-privileges", CAPABILITIES),
    ("--security-opt seccomp=unconfined", CAPABILITIES),
    ("", "mknod /n c 1 3 && mknod /f c 10 229 && mknod /d b 254 0 && echo > /n; for each in /f /d; do (: < $each) 2>&1; done"),
    ("--security-opt systempaths=unconfined", "grep -cE ' /proc/(keys|sys|bus|kcore) ' /proc/self/mountinfo"),
    ("--ulimit nofile=100:200 --ulimit core=0 --ulimit nproc=50 --ulimit memlock=-1", LIMITS),
    ("--shm-size 1m", "df -k /dev/shm | tail -1 | awk '{print $2}'"),
    ("--shm-size 1.5m", "df -k /dev/shm | tail -1 | awk '{print $2}'"),
    ("--sysctl net.ipv4.ip_forward=1 --sysctl kernel.shmmni=99", "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni"),
    ("-u 7", f"cat {PINGS} {PORTS}"),
    ("--net host", f"cat {PINGS} {PORTS}"),
    (f"--sysctl {PORTS.replace('/', '.').removeprefix('.proc.sys.')}=99", f"cat {PORTS}"),
    ("--oom-score-adj 300", "cat /proc/self/oom_score_adj"),
    ("--read-only", "touch /x 2>&1; echo a > /dev/shm/x && echo yes; (: >> /etc/hosts) 2>&1 || echo no"),
    (
        "--read-only --tmpfs /run:size=1m,mode=700",
        "touch /run/x; ls -ld /run | cut -c1-10; df -k /run | tail -1 | awk '{print $2}'",
    ),
    ("--uts host", "hostname"),
    ("--ipc none", "ls -d /dev/shm 2>&1; grep -c /dev/shm /proc/self/mountinfo"),
    ("--ipc host", "readlink /proc/self/ns/ipc; grep -c ' /dev/shm ' /proc/self/mountinfo"),
    ("--pid host", "readlink /proc/self/ns/pid"),
    ("--net host", "readlink /proc/self/ns/net; hostname"),
    (
        "--device /dev/fuse:/dev/a/b:r",
        "ls -l /dev/a/b | cut -c1-44; (: < /dev/a/b) && echo yes; (: > /dev/a/b) 2>/dev/null || echo no",
    ),
    ("--add-host there:10.1.2.3 --add-host six:[::5]", "grep -E 'there|six' /etc/hosts"),
    (
        "",
        "head -1 /etc/hosts; grep -v ^# /etc/resolv.conf | grep .; cd /etc; stat -c '%a %u:%g' hosts hostname resolv.conf",
    ),
    ("--dns 9.9.9.9 --dns-search a.b --dns-option ndots:2", "grep -v ^# /etc/resolv.conf | grep . | sort"),
    ("-m 64m --pids-limit 30 --cpus 0.5", "echo ok"),
    ("--init", "cat /proc/1/cmdline | tr '\\0' ' ' | cut -d' ' -f2- | grep -o 'sh -c'"),
    ("-t", "tty; echo $TERM; ls -l /dev/console | cut -c1-10"),
    ("--entrypoint echo", ""),
]


@pytest.mark.parametrize(("words", "script"), SAME)
def test_a_container_sees_what_it_sees_with_docker(docker: list[str], engine: Engine, words: str, script: str) -> None:
    theirs, ours = both(docker, engine, words, script)
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout), (ours.stderr, theirs.stderr)


REFUSED = [
    "--cap-add NOPE", "-m 1m", "-m x", "--memory-swap 64m", "-m 64m --memory-swap 32m", "-m 64m --memory-reservation 65m",
    "--cpus 999", "--cpus x", "--cpu-period 10", "--cpu-quota 10", "--cpus 1 --cpu-quota 5000",
    "--cpuset-cpus 999", "--device /dev/nope", "--ulimit nofile", "--ulimit nofile=2:1", "--ulimit x=1", "--ulimit nofile=-1:1",
    "--sysctl kernel.pid_max=1", "--pid nope", "--ipc nope", "--uts nope", "--userns nope",
    "--cgroupns nope", "--pid container:nope",
    "--uts host -h x", "--group-add nosuch", "-u nosuch", "--security-opt nope", "--add-host a", "--add-host a:b",
    "--dns x", "--shm-size x", "--oom-score-adj 2000", "--memory-swappiness 101", "--stop-signal NOPE",
    "--device-cgroup-rule x",
    "--label =x", "--env-file /nowhere", "-e =x", "-v /x:/", "--tmpfs x", "-w x", "--mount type=x",
]  # fmt: skip


@pytest.mark.parametrize("words", REFUSED)
def test_what_docker_refuses_is_refused(docker: list[str], engine: Engine, words: str) -> None:
    theirs, ours = both(docker, engine, words, "true")
    assert theirs.returncode in (125, 126, 127), theirs
    assert ours.returncode == (theirs.returncode if words.startswith("--device ") else 125), ours
    assert ours.stdout == ""
    assert len([line for line in ours.stderr.splitlines() if not line.startswith("  cure: ")]) == 1
