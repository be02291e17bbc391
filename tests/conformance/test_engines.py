"""Engines that nobody here wrote drive `labcore-runtime` as they drive runc: podman, and dockerd with containerd."""

import os
import pty
import re
import select
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import labcore
from labcore.engine import Engine
from labcore.runtime.cgroups import hierarchies
from labcore.runtime.oci.config import APPARMOR
from tests.conformance.conftest import LIMITS, RUNTIME, Driver
from tests.peers import Peers

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def held(driver: Driver) -> Iterator[str]:
    """A container that runs until it is told to end."""
    script = "echo started; trap 'exit 7' TERM; while :; do sleep 0.05; done"
    words = ["run", "-d", *driver.options, "--memory", "64m", "--pids-limit", "30", "bb", "sh", "-c", script]
    name = driver(*words).strip()
    for _ in range(600):
        if "started" in driver("logs", name):
            break
        time.sleep(0.05)
    yield name
    driver("rm", "-f", name, status=None)


def test_it_is_our_runtime(driver: Driver, held: str) -> None:
    wanted = "{{.OCIRuntime}}" if driver.name == "podman" else "{{.HostConfig.Runtime}}"
    assert "labcore" in driver("inspect", held, "--format", wanted)


def test_run_output_and_exit_code(driver: Driver) -> None:
    said = driver.run(
        "--hostname", "box", "-e", "A=b", "-w", "/tmp", "bb", "sh", "-c", "hostname; echo $$ $A; pwd; exit 3", status=3
    )
    assert said.split() == ["box", "1", "b", "/tmp"]


def test_standard_input_goes_in(driver: Driver) -> None:
    assert driver.run("-i", "bb", "cat", stdin="line\n") == "line\n"


def test_commands_that_are_not_there_or_not_executable(driver: Driver) -> None:
    assert "executable file not found" in driver.run("bb", "nonesuch", status=127)
    assert "permission denied" in driver.run("bb", "/etc/passwd", status=126)


def test_exec_pause_logs_and_stop(driver: Driver, held: str) -> None:
    assert driver("exec", held, "sh", "-c", "cat /proc/1/comm; id -u; exit 4", status=4).split()[:2] == ["sh", "0"]
    assert driver("exec", "-i", held, "cat", stdin="hello") == "hello"
    assert driver("exec", "-u", "1000:1000", "-w", "/tmp", held, "sh", "-c", "id -u; pwd").split() == ["1000", "/tmp"]
    driver("pause", held)
    assert "aused" in driver("inspect", held, "--format", "{{.State.Status}}")
    driver("unpause", held)
    assert "sh" in driver("top", held)
    assert driver("logs", held) == "started\n"
    driver("stop", "-t", "5", held)
    assert driver("inspect", held, "--format", "{{.State.ExitCode}} {{.State.Status}}") == "7 exited\n"


def test_limits(driver: Driver, held: str) -> None:
    files = ("memory/memory.limit_in_bytes", "pids/pids.max") if hierarchies().v1 else ("memory.max", "pids.max")
    limits = driver("exec", held, "cat", *(f"/sys/fs/cgroup/{file}" for file in files))
    assert limits.split() == [str(64 << 20), "30"]
    flood = "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo survived"
    assert "survived" not in driver.run("-m", "32m", "bb", "sh", "-c", flood, status=137)


def test_volumes_a_read_only_root_and_a_user(driver: Driver, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("from the host\n")
    for path in (tmp_path, *tmp_path.parents):
        if str(path).startswith("/tmp/"):  # and never /tmp itself
            path.chmod(0o755)
    options = ["-v", f"{tmp_path}:/data:ro", "--read-only", "--tmpfs", "/run", "-u", "1000:1000"]
    script = "cat /data/file; touch /data/new; touch /new; touch /run/x && echo written; id -u"
    command = [*driver.words, "run", "--rm", *driver.options, *options, "bb", "sh", "-c", script]
    done = subprocess.run(command, cwd=driver.home, capture_output=True, text=True)
    assert done.stdout.split("\n") == ["from the host", "written", "1000", ""]
    assert done.stderr.count("Read-only file system") == 2


def test_default_confinement(driver: Driver) -> None:
    status = dict(
        line.split(":\t") for line in driver.run("bb", "grep", "-E", "^(CapEff|Seccomp):", "/proc/self/status").splitlines()
    )
    assert status["Seccomp"] == "2"
    assert int(status["CapEff"], 16) & 1 << 21 == 0  # not SYS_ADMIN
    refused = driver.run("bb", "sh", "-c", "mount -t tmpfs none /tmp 2>&1 || echo refused")
    assert "refused" in refused
    assert driver.run("--cap-drop", "ALL", "bb", "grep", "CapBnd", "/proc/self/status").split()[1] == "0" * 16


def test_privileged_and_an_init(driver: Driver) -> None:
    status = driver.run("--privileged", "bb", "grep", "CapEff", "/proc/self/status").split()[1]
    assert int(status, 16) & 1 << 21
    if driver.name == "docker":
        assert driver.run("--init", "bb", "cat", "/proc/1/comm") == "docker-init\n"


def test_podmans_own_network(driver: Driver, peer: Peers) -> None:
    """It keeps the namespace itself, as a file, and has a setting made in it; its bridge stays in namespaces of the test."""
    if driver.name != "podman":
        return  # dockerd gives a network through a hook, once the container is there
    container = [*driver.words[len(peer.prefix) :], "run", "--rm", *LIMITS, "bb"]
    look = "cat /proc/sys/net/ipv4/ping_group_range; ip -4 -o address show eth0"
    apart = "ip link set lo up; mount -t tmpfs none /var/lib"
    script = f"{apart}; exec {shlex.join([*container, 'sh', '-c', look])}"
    alone = peer("unshare", "--net", "--mount", "--", "sh", "-c", script)
    done = subprocess.run(alone, cwd=driver.home, capture_output=True, text=True, timeout=60)
    assert re.fullmatch(r"0\t0\n.* inet 10\.88\.\S+ .*\n", done.stdout), done.stdout + done.stderr


def test_the_engines_apparmor_profile(peer: Peers, driver: Driver, held: str) -> None:
    """Where AppArmor is, both ask for a profile of theirs, also for what is executed later; the root of peers has it not."""
    if peer.prefix or not (APPARMOR.exists() and APPARMOR.read_text().startswith("Y")):
        pytest.skip("needs AppArmor")
    confined = re.compile(r"(docker-default|containers-default-\S+) \(enforce\)\n")
    assert confined.fullmatch(driver.run("bb", "cat", "/proc/self/attr/current"))
    assert confined.fullmatch(driver("exec", held, "cat", "/proc/self/attr/current"))
    assert driver.run("--security-opt", "apparmor=unconfined", "bb", "cat", "/proc/self/attr/current") == "unconfined\n"
    assert "nonesuch" in driver.run("--security-opt", "apparmor=nonesuch", "bb", "true", status=None)


def test_podman_builds_and_lays_over(driver: Driver, tmp_path: Path) -> None:
    if driver.name != "podman":
        return  # dockerd's builder starts runc by itself
    (tmp_path / "Dockerfile").write_text("FROM bb\nRUN id -u > /built && chown 7 /built\nUSER 1000\nCMD cat /built; id -u\n")
    driver("build", "--network", "none", *LIMITS, "-t", "built", str(tmp_path))
    assert driver("run", "--rm", *driver.options, "built") == "0\n1000\n"
    over = ["-v", f"{tmp_path}:/x:O", "bb", "sh", "-c", "echo new > /x/Dockerfile; cat /x/Dockerfile"]
    assert driver.run(*over) == "new\n"
    assert (tmp_path / "Dockerfile").read_text().startswith("FROM bb\n")


def test_a_terminal(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(driver.home)
    words = [*driver.words, "run", "--rm", "-t", *driver.options, "bb", "sh", "-c", "tty; ls -l /dev/console | cut -c1"]
    assert "/dev/pts/0" in _in_a_terminal(words)


def _in_a_terminal(command: list[str]) -> str:
    """Run a command on a terminal of its own and return what it shows."""
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    shown = b""
    with suppress(OSError):
        while select.select([master], [], [], 30)[0] and (chunk := os.read(master, 4096)):
            shown += chunk
    os.waitpid(pid, 0)
    os.close(master)
    return shown.decode()


LOOKS = {
    # But for the tmpfs that hide directories and carry the cgroups: ours are read-only, and nothing is run from them. And where
    # the host's mounts are shared, runc's cgroups still are slaves of them.
    "mounts": "cut -d' ' -f5- /proc/self/mountinfo | grep -v -E '^/sys/fs/cgroup | - tmpfs [^ ]+ ro' | "
    "sed -E '/^.sys.fs.cgroup/s/ master:[0-9]+//; s/(overlay overlay|shared:|master:).*/\\1/; s#[0-9a-f]{64}#ID#g'",
    "devices": "ls -ln /dev /dev/pts /dev/shm | awk '{print $1,$3,$4,$5,$6,$NF}'",
    "status": "grep -E '^(Umask|Groups|NoNewPrivs|Seccomp|Seccomp_filters|Cap.*|Uid|Gid):' /proc/self/status",
    "limits": "ulimit -a; cat /proc/self/oom_score_adj",
    "environment": "env | grep -v HOSTNAME | sort; pwd; id; ls -l /proc/self/fd | awk '{print $NF}' | grep -v -E 'pipe|/proc/'",
    "network": "ip -o link | cut -d' ' -f2; cat /proc/sys/net/ipv4/ping_group_range",
    "hidden": "for f in /proc/kcore /proc/keys /sys/firmware; do ls -ld $f | cut -c1; wc -c < $f; done 2>&1; true",
}


ALL_LOOKS = "; ".join(f"echo '=== {name}'; {{ {script}; }} || echo failed" for name, script in LOOKS.items())
Seen = dict[str, list[str]]  # by each look, its lines, sorted


def seen(said: str) -> Seen:
    parts = re.split(r"^=== (\w+)\n", said, flags=re.MULTILINE)[1:]
    return {name: sorted(text.splitlines()) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def on_runc(driver: Driver) -> Driver:
    """Return the same engine, with containers on runc."""
    words = [word if word != str(RUNTIME) else "runc" for word in driver.words]
    return Driver(driver.name, driver.home, words, [word if word != "labcore" else "runc" for word in driver.options])


@pytest.fixture(scope="module")
def looks(driver: Driver) -> tuple[Seen, Seen]:
    """What a program sees under this engine: on ours, and on runc."""
    words = ["--hostname", "box", "bb", "sh", "-c", ALL_LOOKS]
    return seen(driver.run(*words)), seen(on_runc(driver).run(*words))


@pytest.mark.parametrize("look", LOOKS)
def test_a_container_looks_as_runcs_does(looks: tuple[Seen, Seen], look: str) -> None:
    """The same command under the same engine, on runc and on ours: what a program sees is the same, line for line."""
    ours, theirs = looks
    assert ours[look] == theirs[look]
    assert ours[look]


# How a container of `labcore.run` differs from one of dockerd, line by line: a pattern for what only we have, one for theirs.
OWN = {
    # Our root has no device nodes that work, /proc/interrupts is hidden as later dockers hide it; docker adds files of its
    # network and a view of a cgroup, of which a container that is only `run` has none.
    "mounts": (
        r"/ rw,nodev,.* overlay|/proc/interrupts .*",
        r"/ rw,relatime .*|/etc/(hostname|hosts|resolv.conf) .*|/sys/fs/cgroup/.*",
    ),
    # The kernel's memory is hidden from both, and only docker has a link to it.
    "devices": ("", "lrwxrwxrwx .* /proc/kcore"),
    # Without a device cgroup there is no MKNOD; and root is in no group beside its own.
    "status": (r"Cap(Bnd|Eff|Prm):\t00000000a00425fb|Groups:\t ", r"Cap(Bnd|Eff|Prm):\t00000000a80425fb|Groups:\t0 "),
    "hidden": ("", ""),
}  # fmt: skip


def test_labcores_own_container_looks_as_dockers_does(driver: Driver, engine: Engine) -> None:
    if driver.name != "docker":
        return  # it is docker's default that ours is
    words = ["--security-opt", "apparmor=unconfined", "--hostname", "box", "bb", "sh", "-c", ALL_LOOKS]
    theirs = seen(on_runc(driver).run(*words))
    ours = seen(labcore.run("busybox", ["sh", "-c", ALL_LOOKS], hostname="box", root=engine.root).stdout.decode())
    for look, (only_ours, only_theirs) in OWN.items():
        differences = dict.fromkeys(set(ours[look]) - set(theirs[look]), only_ours)
        differences |= dict.fromkeys(set(theirs[look]) - set(ours[look]), only_theirs)
        assert [line for line, pattern in differences.items() if not re.fullmatch(pattern, line)] == [], look
