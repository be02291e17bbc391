"""`labcore-runtime` on bundles of our own: a container's life, what it sees, and what is said when something cannot be."""

import array
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from labcore.engine import Engine
from labcore.errors import Unavailable
from labcore.native import Capability, capget
from labcore.runtime import ops
from labcore.runtime.cgroups import Cgroup, hierarchies, scope
from labcore.runtime.oci.example import example_config
from labcore.runtime.oci.lifecycle import Runtime
from labcore.runtime.ops import Op
from labcore.spec import DOCKER_CAPABILITIES, ContainerSpec, OverlayRoot
from tests.conftest import PROJECT, needs_root
from tests.serving import eventually
from tests.terminals import at_a_terminal
from tests.threads import Started, running

pytestmark = pytest.mark.usefixtures("nothing_left")


class Bundle:
    """A bundle with busybox in it, and the command."""

    def __init__(self, directory: Path, rootfs: Path) -> None:
        self.directory = directory
        self.state = directory / "state"
        self.config = example_config()
        self.config["root"] = {"path": str(rootfs)}
        self.config["process"]["terminal"] = False
        self.name = f"labcore-test-{os.getpid()}"

    def program(self, *argv: str) -> "Bundle":
        self.config["process"]["args"] = list(argv)
        return self

    def __call__(self, *words: str, status: int | None = 0, before: Sequence[str] = (), **kwargs: Any) -> str:
        (self.directory / "config.json").write_text(json.dumps(self.config))
        command = [*before, sys.executable, "-m", "labcore.runtime.oci.cli", "--root", str(self.state), *words]
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True, timeout=60, **kwargs)
        assert status is None or done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def run(self, *argv: str, status: int = 0) -> str:
        return self.program(*argv)("run", self.name, status=status)

    def create(self, *general: str) -> None:
        """Create the container with its output in a file: a pipe's reader would wait for it."""
        (self.directory / "config.json").write_text(json.dumps(self.config))
        command = [sys.executable, "-m", "labcore.runtime.oci.cli", "--root", str(self.state), *general, "create", self.name]
        with (self.directory / "out").open("wb") as out:
            subprocess.run(
                command, cwd=self.directory, stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=True, timeout=60
            )

    def output(self) -> str:
        return (self.directory / "out").read_text()

    def wait_for(self, status: str) -> None:
        assert eventually(lambda: json.loads(self("state", self.name))["status"] == status), self("state", self.name)


@pytest.fixture
def rootfs(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root file system of the test's own: what its containers write stays there."""
    needs_root()
    root = engine.spec("busybox", ["true"]).root
    assert isinstance(root, OverlayRoot)
    target = tmp_path_factory.mktemp("rootfs")
    subprocess.run(["cp", "-a", f"{root.directory}/{root.layers[0]}/.", str(target)], check=True)
    target.chmod(0o755)
    return target


@pytest.fixture
def bundle(rootfs: Path, tmp_path: Path) -> Iterator[Bundle]:
    made = Bundle(tmp_path, rootfs)
    yield made
    made("delete", "--force", made.name, status=None)


def test_run_returns_the_exit_code_and_leaves_nothing(bundle: Bundle) -> None:
    assert bundle.run("sh", "-c", "hostname; echo $$; exit 7", status=7) == "labcore\n1\n"
    assert bundle("list", "--quiet") == ""
    assert not any(os.path.exists(directory) for directory in Cgroup.near_own(bundle.name).directories.values())
    assert bundle.run("sh", "-c", "kill -9 $$ 2>/dev/null; sh -c 'kill -TERM 1'; exit 3", status=3) == ""


def test_a_life_step_by_step(bundle: Bundle) -> None:
    bundle.program("sh", "-c", "trap 'echo ended; exit 3' TERM; echo started; while :; do sleep 0.05; done").create()
    assert json.loads(bundle("state", bundle.name))["status"] == "created"
    assert bundle.output() == ""
    assert "exists already" in bundle("create", bundle.name, status=1)
    bundle("start", bundle.name)
    assert "it is running, and not created" in bundle("start", bundle.name, status=1)
    assert "it is running" in bundle("delete", bundle.name, status=1)
    bundle.wait_for("running")
    bundle("pause", bundle.name)
    bundle.wait_for("paused")
    assert "cannot exec in a paused container: it is paused" in bundle("exec", bundle.name, "true", status=255)
    said: list[str] = []
    with running(lambda: said.append(bundle("exec", "--ignore-paused", bundle.name, "echo", "fine"))):
        time.sleep(0.3)
        assert said == []
        bundle("resume", bundle.name)
    assert said == ["fine\n"]
    pids = json.loads(bundle("ps", "--format", "json", bundle.name))
    assert json.loads(bundle("state", bundle.name))["pid"] in pids
    assert eventually(lambda: bundle.output() == "started\n")
    bundle("kill", bundle.name, "TERM")
    bundle.wait_for("stopped")
    assert bundle.output() == "started\nended\n"
    assert "container not running" in bundle("kill", bundle.name, "KILL", status=1)
    bundle("delete", bundle.name)
    assert "does not exist" in bundle("state", bundle.name, status=1)
    assert "does not exist" in bundle("delete", bundle.name, status=1)
    bundle("delete", "--force", bundle.name)


def test_a_created_container_can_be_deleted(bundle: Bundle) -> None:
    bundle.program("sh", "-c", "echo never").create()
    bundle("delete", bundle.name)
    assert bundle.output() == ""


def test_exec_joins_with_the_same_rights(bundle: Bundle) -> None:
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    look = "hostname; cat /proc/1/comm; grep -E 'CapEff|CapBnd|NoNew' /proc/self/status; pwd; id -u; exit 4"
    inside = bundle("exec", bundle.name, "sh", "-c", look, status=4)
    assert inside.startswith("labcore\nsleep\n")
    assert "CapEff:\t0000000020000420\nCapBnd:\t0000000020000420\nNoNewPrivs:\t1" in inside
    assert bundle(
        "exec", "--user", "1000:1000", "--cwd", "/tmp", "--env", "X=y", bundle.name, "sh", "-c", "id -u; pwd; echo $X"
    ) == ("1000\n/tmp\ny\n")
    assert "executable file not found" in bundle("exec", bundle.name, "nonesuch", status=255)
    for user in (str((1 << 32) - 1), f"0:{(1 << 32) - 1}"):
        assert "must be from 0 to 4294967294" in bundle("exec", "--user", user, bundle.name, "id", status=255)
    ours = {os.readlink(f"/proc/self/ns/{name}") for name in ("mnt", "pid", "net", "uts", "ipc", "cgroup")}
    theirs = set(bundle("exec", bundle.name, "sh", "-c", "for f in /proc/self/ns/*; do readlink $f; done").split())
    assert not ours & theirs


def test_a_short_exec_that_is_let_go_of_is_reaped_by_the_subreaper(bundle: Bundle) -> None:
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    process = bundle.directory / "process.json"
    process.write_text(json.dumps({**bundle.config["process"], "args": ["sh", "-c", "exit 9"]}))
    script = (
        "import ctypes, os, subprocess, sys; ctypes.CDLL(None).prctl(36, 1)\n"
        "subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL)\n"
        "pid = int(open(sys.argv[1]).read()); print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"
    )
    runtime = [sys.executable, "-m", "labcore.runtime.oci.cli", "--root", str(bundle.state), "exec", "--detach"]
    words = [*runtime, "--process", str(process), "--pid-file", str(bundle.directory / "pid"), bundle.name]
    command = [sys.executable, "-c", script, str(bundle.directory / "pid"), *words]
    for _ in range(5):
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, cwd=PROJECT)
        assert done.stdout == "9\n", done.stderr


def test_a_terminal_is_sent_to_the_console_socket(bundle: Bundle) -> None:
    bundle.config["process"] |= {"terminal": True, "consoleSize": {"height": 33, "width": 99}}
    bundle.program("sh", "-c", "tty; ls /dev/console; cat")
    path = bundle.directory / "console.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        bundle("create", "--console-socket", str(path), bundle.name)
        connection, _ = listener.accept()
        with connection:
            _, ancillary, _, _ = connection.recvmsg(100, socket.CMSG_SPACE(4))
    (master,) = array.array("i", ancillary[0][2])
    try:
        assert os.get_terminal_size(master) == (99, 33)
        bundle("start", bundle.name)
        os.write(master, b"hello\n\x04")
        text = b""
        while b"hello\r\nhello" not in text and b"console\r\nhello" not in text:
            text += os.read(master, 1000)
        assert b"/dev/pts/0\r\n" in text
    finally:
        os.close(master)
    bundle.wait_for("stopped")
    assert "needs --console-socket" in bundle("create", bundle.name + "-2", status=1)


def runtime_words(bundle: Bundle, *words: str) -> list[str]:
    return [sys.executable, "-m", "labcore.runtime.oci.cli", "--root", str(bundle.state), *words]


def test_a_terminal_in_the_foreground_is_relayed(bundle: Bundle) -> None:
    bundle.config["process"]["terminal"] = True
    bundle.program("sh", "-c", "read -r line; tty; echo got $line; exit 7")
    (bundle.directory / "config.json").write_text(json.dumps(bundle.config))
    run = runtime_words(bundle, "run", "--bundle", str(bundle.directory), bundle.name)
    done = subprocess.run(run, input="some words\n", capture_output=True, text=True, timeout=30, cwd=PROJECT)
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.splitlines() == ["some words", "/dev/pts/0", "got some words"]


def test_a_terminal_in_the_foreground_has_the_size_and_keys_of_ours(bundle: Bundle) -> None:
    bundle.config["process"]["terminal"] = True
    bundle.program("sh", "-c", "trap 'echo interrupted; exit 5' INT; stty size; while :; do sleep 0.1; done")
    (bundle.directory / "config.json").write_text(json.dumps(bundle.config))
    with at_a_terminal(runtime_words(bundle, "run", "--bundle", str(bundle.directory), bundle.name)) as terminal:
        terminal.until("24 80")
        terminal.type("\x03")
        terminal.until("interrupted")
        assert terminal.wait() == 5


def test_a_terminal_s_reader_that_goes_does_not_end_its_process(bundle: Bundle) -> None:
    bundle.config["process"]["terminal"] = True
    bundle.program("sh", "-c", "seq 1 20000; exit 6")
    (bundle.directory / "config.json").write_text(json.dumps(bundle.config))
    run = runtime_words(bundle, "run", "--bundle", str(bundle.directory), bundle.name)
    with Started(run, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=PROJECT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        process.stdout.close()
        assert process.wait(30) == 6


def test_a_terminal_of_an_exec_is_relayed(bundle: Bundle) -> None:
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    run = runtime_words(bundle, "exec", "--tty", bundle.name, "sh", "-c", "tty; exit 3")
    done = subprocess.run(run, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, cwd=PROJECT)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"/dev/pts/0\n", b"")


def test_an_exec_can_be_given_capabilities_and_groups(bundle: Bundle) -> None:
    bundle.config["process"]["capabilities"] = {"bounding": ["CAP_CHOWN"]}
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    more = ["--cap", "CAP_KILL", "-c", "CAP_AUDIT_WRITE", "--additional-gids", "7", "-g", "8", "--no-new-privs"]
    status = dict(line.split(":\t", 1) for line in bundle("exec", *more, bundle.name, "cat", "/proc/self/status").splitlines())
    assert [int(status[f"Cap{name}"], 16) for name in ("Bnd", "Eff", "Prm", "Inh", "Amb")] == [
        0x20000021,
        *[0x20000020] * 2,
        0,
        0,
    ]
    assert (status["Groups"].split(), status["NoNewPrivs"]) == (["7", "8"], "1")
    assert "--additional-gids x: a number is wanted" in bundle("exec", "-g", "x", bundle.name, "true", status=255)


def test_a_dev_that_is_read_only_is_filled_before(bundle: Bundle) -> None:
    dev = next(mount for mount in bundle.config["mounts"] if mount["destination"] == "/dev")
    dev["options"].append("ro")
    said = bundle.run(
        "sh", "-c", "ls /dev/null /dev/pts/ptmx; echo > /dev/null; touch /dev/x; grep -o ' /dev ro,' /proc/self/mountinfo"
    )
    assert said.splitlines() == ["/dev/null", "/dev/pts/ptmx", " /dev ro,", "touch: /dev/x: Read-only file system"]


def test_whom_a_kill_reaches(bundle: Bundle) -> None:
    bundle.config["linux"]["namespaces"] = [each for each in bundle.config["linux"]["namespaces"] if each["type"] != "pid"]
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    further = runtime_words(bundle, "exec", "--detach", bundle.name, "sleep", "61")
    subprocess.run(further, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    bundle("kill", bundle.name, "0")
    first, *others = pids = json.loads(bundle("ps", "--format", "json", bundle.name))
    assert others
    os.kill(first, signal.SIGKILL)
    eventually(lambda: json.loads(bundle("state", bundle.name))["status"] == "stopped")
    assert "container not running" in bundle("kill", bundle.name, "TERM", status=1)
    bundle("kill", bundle.name, "KILL")
    eventually(lambda: not any(has_not_ended(pid) for pid in pids))
    assert "container not running" in bundle("kill", bundle.name, "0", status=1)
    bundle("kill", "--all", bundle.name, "0")


def has_not_ended(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_another_config_and_the_way_cgroups_are_made_can_be_named(bundle: Bundle) -> None:
    bundle.program("hostname")
    (bundle.directory / "other.json").write_text(json.dumps(bundle.config | {"hostname": "other"}))
    assert bundle("--cgroup-manager", "cgroupfs", "run", "--config", "other.json", bundle.name) == "other\n"
    assert "--cgroup-manager x: there are" in bundle("--cgroup-manager=x", "run", bundle.name, status=1)


def test_the_example_shows_its_cgroups(bundle: Bundle) -> None:
    assert "ro" in bundle.run("sh", "-c", "grep ' /sys/fs/cgroup' /proc/mounts | tail -n 1 | cut -d' ' -f4").split(",")


def test_a_hook_before_the_program_has_its_environment_and_is_heard(bundle: Bundle) -> None:
    bundle.config["process"]["env"].append("ONE=two")
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "echo ONE is $ONE >&2; exit 3"]}
    bundle.config["hooks"] = {"startContainer": [hook]}
    said = bundle.run("true", status=1)
    assert "error running startContainer hook #0: /bin/sh: exit status 3: ONE is two" in said
    hook["env"] = ["ONE=three"]
    assert said.replace("two", "three") == bundle.run("true", status=1)


def test_of_a_hook_that_says_much_the_last_is_kept_and_who_is_left_is_not_waited_for(bundle: Bundle) -> None:
    script = "(sleep 600 &); yes much | head -c 30000000 >&2; echo the last >&2; exit 3"
    bundle.config["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", script]}]}
    said = bundle.run("true", status=1)
    assert said.endswith("much\nthe last\n")
    assert len(said) < 1000


def test_mounts_devices_and_hidden_parts(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "file").write_text("from the host\n")
    bundle.config["mounts"] += [
        {"destination": "/data", "type": "bind", "source": str(tmp_path / "shared"), "options": ["rbind", "ro", "nosuid"]},
        {"destination": "/one/file", "source": str(tmp_path / "shared" / "file"), "options": ["bind"]},
        {"destination": "/scratch", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k", "mode=1777"]},
    ]
    bundle.config["linux"]["devices"] = [
        {"path": "/dev/own", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600, "uid": 5, "gid": 6},
        {"path": "/dev/further/down", "type": "c", "major": 1, "minor": 5, "fileMode": 0o666, "uid": 0, "gid": 0},
    ]
    said = bundle.run(
        "sh",
        "-c",
        "cat /data/file /one/file; echo x > /data/new; echo x > /one/file; touch /scratch/x && echo written\n"
        "ls -ln /dev/own | cut -c1-10; stat -c %u:%g /dev/own; head -c 1 /dev/further/down | wc -c\n"
        "cat /proc/kcore | wc -c; echo 1 > /proc/sys/kernel/hostname\n"
        "ls -d /dev/null /dev/fd /dev/ptmx /dev/shm; cat /proc/self/mountinfo | grep -c ' shared:'",
        status=1,
    )
    assert said.count("from the host") == 2
    assert "can't create /data/new: Read-only file system" in said
    assert "can't create /proc/sys/kernel/hostname: Read-only file system" in said
    assert "written\ncrw-------\n5:6\n1\n0\n" in said.replace(
        "sh: can't create /proc/sys/kernel/hostname: Read-only file system\n", ""
    )
    assert (tmp_path / "shared" / "file").read_text() == "x\n"


def test_an_overlay_of_the_hosts_directories(bundle: Bundle, tmp_path: Path) -> None:
    """As `podman run -v DIR:/x:O` asks for: the layers have their paths on the host, and the container sees what is in them."""
    places = {name: tmp_path / name for name in ("lower", "upper", "work")}
    for place in places.values():
        place.mkdir()
    (places["lower"] / "file").write_text("from the host\n")
    words = [f"{name}dir={place}" for name, place in places.items()]
    bundle.config["mounts"].append({"destination": "/x", "type": "overlay", "source": "overlay", "options": [*words, "nosuid"]})
    before = Path("/proc/self/mountinfo").read_text()
    said = bundle.run("sh", "-c", "cat /x/file; echo new > /x/file; grep -c ' /x .*nosuid.* overlay ' /proc/self/mountinfo")
    assert said == "from the host\n1\n"
    assert (places["lower"] / "file").read_text() == "from the host\n"
    assert (places["upper"] / "file").read_text() == "new\n"
    assert Path("/proc/self/mountinfo").read_text() == before
    assert "executable file not found" in bundle.run("/no/program", status=None)  # the root is still known from the volume


def test_a_read_only_root_and_a_user(bundle: Bundle) -> None:
    bundle.config["root"]["readonly"] = True
    bundle.config["process"] |= {"user": {"uid": 1000, "gid": 1000, "additionalGids": [5, 7], "umask": 0o77}, "cwd": "/tmp"}
    said = bundle.run("sh", "-c", "id; pwd; umask; touch /tmp/x; grep CapEff /proc/self/status")
    assert "uid=1000 gid=1000 groups=5(tty),7" in said
    assert "/tmp\n0077\n" in said
    assert "Read-only file system" in said
    assert "CapEff:\t0000000000000000" in said


def test_ambient_capabilities_that_cannot_be_are_left_out(bundle: Bundle) -> None:
    """`podman build` asks for ambient ones that are not inheritable; so does an exec of it."""
    wanted = ["CAP_CHOWN", "CAP_KILL"]
    bundle.config["process"]["capabilities"] = {
        "bounding": wanted, "permitted": wanted, "effective": wanted, "inheritable": ["CAP_KILL"], "ambient": wanted
    }  # fmt: skip
    assert "CapAmb:\t0000000000000020" in bundle.run("grep", "CapAmb", "/proc/self/status")


def test_limits_settings_and_scores(bundle: Bundle) -> None:
    bundle.config["process"] |= {
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 100}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}],
        "oomScoreAdj": 123,
    }
    bundle.config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "65536"}
    bundle.config["domainname"] = "example.org"
    look = "ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax"
    look += " /proc/sys/kernel/domainname"
    assert bundle.run("sh", "-c", look).split() == ["99", "100", "123", "1", "65536", "example.org"]


def test_cgroup_limits_hold(bundle: Bundle) -> None:
    if hierarchies().directory("memory") is None:
        pytest.skip("no memory controller here")
    bundle.config["linux"]["resources"] |= {"memory": {"limit": 32 << 20}, "pids": {"limit": 15}, "cpu": {"shares": 512}}
    said = bundle.run("sh", "-c", "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo survived", status=137)
    assert "survived" not in said
    assert f"killed by the kernel: its limit of {32 << 20} bytes was reached" in said
    bomb = "i=0; while [ $i -lt 40 ]; do sleep 1 & i=$((i+1)); done; wait"
    assert "can't fork" in bundle.run("sh", "-c", bomb, status=2)


def test_live_statistics(bundle: Bundle) -> None:
    if hierarchies().directory("memory") is None:
        pytest.skip("no memory controller here")
    bundle.config["linux"]["resources"] |= {"memory": {"limit": 64 << 20}, "pids": {"limit": 9}}
    bundle.program("sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 60 & wait").create()
    bundle("start", bundle.name)
    deadline = time.monotonic() + 20
    while (used := json.loads(bundle("events", "--stats", bundle.name))["data"])["pids"]["current"] < 2:
        assert time.monotonic() < deadline
    assert used["memory"]["usage"]["limit"] == 64 << 20
    assert 10_000 < used["memory"]["usage"]["usage"] < 64 << 20
    assert used["cpu"]["usage"]["total"] > 1_000_000
    assert (used["pids"]["current"], used["pids"]["limit"]) == (2, 9)
    bundle("kill", bundle.name, "KILL")
    lines = bundle("events", "--interval", "100ms", bundle.name).splitlines()
    assert json.loads(lines[-1])["type"] == "stats"


def test_a_quota_below_a_cgroup_with_one_is_changed_in_an_order_that_can_be(bundle: Bundle) -> None:
    if (controller := hierarchies().directory("cpu")) is None or hierarchies().directory("pids") is None:
        pytest.skip("no cpu controller of version 1 here")
    above = Path(controller, f"{bundle.name}-above")
    above.mkdir()
    try:
        (above / "cpu.cfs_quota_us").write_text("50000")
        bundle.config["linux"]["cgroupsPath"] = f"/{above.name}/inner"
        bundle.program("sleep", "60").create()
        bundle("start", bundle.name)
        for period, quota in ((10_000, 3_000), (100_000, 30_000), (10_000, 4_000), (100_000, -1), (1_000_000, 500_000)):
            bundle("update", "--cpu-period", str(period), "--cpu-quota", str(quota), bundle.name)
            found = [int((above / "inner" / f"cpu.cfs_{name}_us").read_text()) for name in ("period", "quota")]
            assert found == [period, quota]
    finally:
        bundle("delete", "--force", bundle.name, status=None)
        for directory in Path(controller).parent.glob(f"*/{above.name}"):
            directory.rmdir()


def test_update_and_device_rules(bundle: Bundle) -> None:
    if hierarchies().directory("pids") is None:
        pytest.skip("no pids controller here")
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    bundle("update", "--pids-limit", "33", bundle.name)
    directory = Cgroup.near_own(bundle.name).directories
    assert Path(directory.get("pids") or directory[""], "pids.max").read_text() == "33\n"
    for limits in (["--memory", "32m", "--memory-swap", "64m"], ["--memory", "-1"], ["--memory", "16m"]):
        bundle("update", *limits, bundle.name)
    bundle("update", "--resources", "-", bundle.name, input=json.dumps({"pids": {"limit": 44}}))
    assert "resources.pids.limit: must be from -1" in bundle("update", "--pids-limit", str(1 << 63), bundle.name, status=1)
    assert "--memory much: a number is wanted" in bundle("update", "--memory", "much", bundle.name, status=1)
    assert "--resources -: it is no JSON" in bundle("update", "--resources", "-", bundle.name, input="{", status=1)
    assert Path(directory.get("pids") or directory[""], "pids.max").read_text() == "44\n"
    disk = "mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk"
    process = {**bundle.config["process"], "args": ["sh", "-c", disk], "noNewPrivileges": False}
    process["capabilities"] = {name: ["CAP_MKNOD"] for name in ("bounding", "effective", "permitted")}
    (bundle.directory / "p.json").write_text(json.dumps(process))
    assert "Operation not permitted" in bundle("exec", "--process", str(bundle.directory / "p.json"), bundle.name, status=1)


def test_a_user_namespace(bundle: Bundle, rootfs: Path, tmp_path: Path) -> None:
    bundle.config["linux"]["namespaces"].append({"type": "user"})
    ids = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    bundle.config["linux"] |= {"uidMappings": ids, "gidMappings": ids}
    for path in (tmp_path, *tmp_path.parents):
        if str(path).startswith("/tmp/"):
            path.chmod(0o755)
    for path in (rootfs, *rootfs.parents):
        if str(path).startswith("/tmp/"):
            path.chmod(0o755)
    said = bundle.run("sh", "-c", "id -u; cat /proc/self/uid_map; touch /x; ls -ln / | grep -c 65534")
    assert said.startswith("0\n")
    assert "100000" in said
    assert "Permission denied" in said


def test_masked_and_readonly_paths_of_the_image(bundle: Bundle, rootfs: Path) -> None:
    """They need not be the kernel's: what the root holds is hidden too, and what is read-only stays executable."""
    (rootfs / "secret").mkdir(exist_ok=True)
    (rootfs / "secret" / "file").write_text("hidden")
    (rootfs / "secret-file").write_text("hidden")
    bundle.config["linux"] |= {"maskedPaths": ["/secret", "/secret-file"], "readonlyPaths": ["/bin"]}
    said = bundle.run("sh", "-c", "ls /secret; cat /secret-file; touch /bin/new; true")
    assert "hidden" not in said
    assert "file" not in said.replace("Read-only file system", "")


def test_masked_directories_share_one_empty_file_system(bundle: Bundle, rootfs: Path) -> None:
    masked = ["/one", "/a-file", "/two", "/nowhere", "/three"]
    for path in masked[:3] + masked[4:]:
        place = rootfs / path.lstrip("/")
        place.write_text("hidden") if path == "/a-file" else (place / "hidden").mkdir(parents=True)
    bundle.config["linux"]["maskedPaths"] = masked
    said = bundle.run("sh", "-c", "stat -c %d /one /two /three; ls /one /two /three; cat /a-file; mkdir /three/x; true")
    one, two, three, *rest = said.splitlines()
    assert one == two == three != str(rootfs.stat().st_dev)
    assert "hidden" not in said
    assert rest[-1] == "mkdir: can't create directory '/three/x': Read-only file system"


def test_network_classes_are_not_forgotten(bundle: Bundle) -> None:
    if hierarchies().directory("net_cls"):
        pytest.skip("there is a net_cls controller here")
    bundle.config["linux"]["resources"] = {"network": {"classID": 1048577}}
    assert "net_cls.classid" in bundle.run("true", status=1)


def test_a_root_in_a_joined_mount_namespace(bundle: Bundle, tmp_path: Path) -> None:
    held = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sleep", "60"])
    try:
        while os.readlink(f"/proc/{held.pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
            time.sleep(0.01)
        namespaces = bundle.config["linux"]["namespaces"]
        (entry,) = (each for each in namespaces if each["type"] == "mount")
        entry["path"] = f"/proc/{held.pid}/ns/mnt"
        assert bundle.run("sh", "-c", "readlink /proc/self/ns/mnt; ls /bin/busybox").split() == [
            os.readlink(f"/proc/{held.pid}/ns/mnt"),
            "/bin/busybox",
        ]
        entry["path"] = "/proc/self/ns/mnt"
        assert "would become the host's" in bundle.run("true", status=1)
    finally:
        held.kill()
        held.wait()


def test_mounts_are_listed_in_their_order(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "bound").mkdir()
    bundle.config["mounts"] += [
        {"destination": "/one", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/two", "type": "bind", "source": str(tmp_path / "bound"), "options": ["bind"]},
        {"destination": "/three", "type": "tmpfs", "source": "tmpfs"},
    ]
    said = bundle.run("cut", "-d", " ", "-f", "5", "/proc/self/mountinfo").split()
    assert [path for path in said if path in ("/", "/one", "/two", "/three")] == ["/", "/one", "/two", "/three"]


def test_descriptors_are_handed_on(bundle: Bundle, tmp_path: Path) -> None:
    for name in ("three", "four"):
        (tmp_path / name).write_text(name)
    bundle.program("sh", "-c", "cat <&3; cat <&4; ls /proc/self/fd | wc -l; sleep 30").create()
    (tmp_path / "config.json").write_text(json.dumps(bundle.config))
    command = (
        f"exec 3<{tmp_path}/three 4<{tmp_path}/four; exec {sys.executable} -m labcore.runtime.oci.cli --root {bundle.state}"
    )
    look = "cat <&3; cat <&4; echo; ls /proc/$$/fd; true"

    def shell(*words: str) -> str:
        line = f"{command} {' '.join(words)}"
        return subprocess.run(["sh", "-c", line], cwd=bundle.directory, capture_output=True, text=True, timeout=60).stdout

    assert shell("exec", "--preserve-fds", "2", bundle.name, "sh", "-c", f"'{look}'").split() == [
        "threefour", "0", "1", "2", "3", "4",
    ]  # fmt: skip
    bundle("delete", "--force", bundle.name)
    bundle.program("sh", "-c", look)
    (bundle.directory / "config.json").write_text(json.dumps(bundle.config))
    assert shell("run", "--preserve-fds", "2", bundle.name).split() == ["threefour", "0", "1", "2", "3", "4"]
    assert "descriptor 3 is not open" in bundle("run", "--preserve-fds", "7", bundle.name, status=1)


MANY = """import os, sys
for number in range(3, 103):
    with open(f"file{number}", "w+") as file:
        file.write(str(number))
    os.dup2(os.open(f"file{number}", os.O_RDONLY), 200 + number)
for number in range(3, 103):
    os.dup2(200 + number, number)
os.closerange(103, 500)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_many_descriptors_are_handed_on(bundle: Bundle, tmp_path: Path) -> None:
    opened = (sys.executable, "-c", MANY)
    look = ("sh", "-c", "ls -l /proc/$$/fd")
    words = ("--preserve-fds", "100", bundle.name)
    said = bundle.program(*look)("run", *words, before=opened)
    assert all(f" {number} -> {tmp_path}/file{number}\n" in said for number in range(3, 103))
    assert " 103 -> " not in said
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    said = bundle("exec", *words, *look, before=opened)
    assert all(f" {number} -> {tmp_path}/file{number}\n" in said for number in range(3, 103))
    assert " 103 -> " not in said


ACTIVATED = """import os, socket, sys
sockets = [socket.socket(socket.AF_UNIX) for _ in range(2)]
for number, each in enumerate(sockets):
    os.dup2(each.fileno(), 103 + number)
for number in range(2):
    os.dup2(103 + number, 3 + number)
os.dup2(os.open("/dev/null", os.O_RDONLY), 105)
os.dup2(105, 5)
os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid() + int(sys.argv[1])))
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_sockets_of_who_activates_services_are_handed_on(bundle: Bundle) -> None:
    bundle.program("sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; ls -l /proc/$$/fd; true")
    words = ("run", "--preserve-fds", "1", bundle.name)
    said = bundle(*words, before=(sys.executable, "-c", ACTIVATED, "0"))
    assert said.startswith("2 1\n")
    assert [line.partition(" -> ")[2].partition(":")[0] for line in said.splitlines()[5:8]] == ["socket", "socket", "/dev/null"]
    said = bundle(*words, before=(sys.executable, "-c", ACTIVATED, "1"))
    assert said.startswith("\n")
    assert said.count("socket:") == 1


def test_descriptors_that_are_not_handed_on_stay_with_their_owner(bundle: Bundle) -> None:
    """Also those that any program which he starts would find open: neither the container nor its monitor has them."""
    opened = (sys.executable, "-c", MANY)
    words = ("run", "--preserve-fds", "1", bundle.name)
    look = "n=0; while [ $n -lt 600 ]; do [ -L /proc/$$/fd/$n ] && echo $n; n=$((n + 1)); done"  # a pipe would be one more
    said = bundle.program("sh", "-c", f"sleep 0.3; {look}; exit 7")(*words, before=opened, status=7)
    assert said.split() == ["0", "1", "2", "3"]


def test_a_tmpfs_that_begins_with_what_it_covers(bundle: Bundle, rootfs: Path) -> None:
    source = rootfs / "filled"
    (source / "sub").mkdir(parents=True, exist_ok=True)
    (source / "sub" / "file").write_text("copied\n")
    (source / "sub" / "file").chmod(0o644)
    os.chown(source / "sub" / "file", 5, 6)
    if not (source / "link").is_symlink():
        (source / "link").symlink_to("/etc/passwd")
    bundle.config["mounts"].append(
        {"destination": "/filled", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup", "size=1m"]}
    )
    look = "cat /filled/sub/file; stat -c '%a %u %g' /filled/sub/file; readlink /filled/link; echo new > /filled/new && echo ok"
    assert bundle.run("sh", "-c", look).split("\n") == ["copied", "644 5 6", "/etc/passwd", "ok", ""]
    assert not (source / "new").exists()


def test_a_tmpfs_is_as_open_as_what_it_covers(bundle: Bundle, rootfs: Path) -> None:
    (rootfs / "narrow").mkdir(exist_ok=True)
    (rootfs / "narrow").chmod(0o711)
    bundle.config["mounts"] += [{"destination": path, "type": "tmpfs", "source": "tmpfs"} for path in ("/narrow", "/not-there")]
    assert bundle.run("stat", "-c", "%a", "/narrow", "/not-there").split() == ["711", "1777"]


def test_hooks_get_the_state_and_their_place(bundle: Bundle, tmp_path: Path) -> None:
    log = tmp_path / "hooks.log"

    def hook(kind: str) -> list[dict[str, Any]]:
        text = f"read -r line; echo {kind} $(hostname) $line >> {log}"
        return [{"path": "/bin/sh", "args": ["sh", "-c", text], "env": ["PATH=/bin:/usr/bin"]}]

    kinds = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    bundle.config["hooks"] = {kind: hook(kind) for kind in kinds}
    bundle.config["hooks"]["startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", "cat > /tmp/state"]}]
    said = bundle.run("sh", "-c", "cat /tmp/state")
    assert json.loads(said)["status"] == "created"
    lines = [line.split(maxsplit=2) for line in log.read_text().splitlines()]
    assert [line[0] for line in lines] == list(kinds)
    assert [json.loads(line[2])["id"] for line in lines] == [bundle.name] * 5
    assert json.loads(lines[-1][2])["status"] == "stopped"


def test_a_hook_that_fails_leaves_nothing(bundle: Bundle) -> None:
    bundle.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "echo no >&2; exit 3"]}]}
    assert "error running createRuntime hook #0: /bin/sh: exit status 3: no" in bundle.run("true", status=1)
    bundle.config["hooks"] = {"prestart": [{"path": "/bin/sleep", "args": ["sleep", "9"], "timeout": 1}]}
    assert "timed out" in bundle.run("true", status=1)
    assert bundle("list", "--quiet") == ""


def test_seccomp_from_the_bundle(bundle: Bundle) -> None:
    bundle.config["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}],
    }
    for quiet in (True, False):
        bundle.config["process"]["noNewPrivileges"] = quiet
        said = bundle.run("sh", "-c", "mkdir /tmp/x; grep Seccomp: /proc/self/status", status=0)
        assert "No space left on device" in said
        assert "Seccomp:\t2" in said


def test_how_programs_fail_is_said_as_runc_says_it(bundle: Bundle, rootfs: Path) -> None:
    (rootfs / "run.sh").write_text("#!/nowhere\n")
    (rootfs / "run.sh").chmod(0o755)
    bundle.config["hooks"] = {"prestart": [{"path": "/bin/sh", "args": ["sh", "-c", "kill -SYS $$"]}]}
    assert "prestart hook #0: /bin/sh: signal: bad system call" in bundle.run("true", status=1)
    del bundle.config["hooks"]
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    assert "exec /run.sh: no such file or directory" in bundle("exec", bundle.name, "/run.sh", status=255)


def test_a_user_namespace_is_joined_with_clocks_that_are_not_its_own(bundle: Bundle, rootfs: Path) -> None:
    for path in (rootfs, *rootfs.parents):
        if str(path).startswith("/tmp/"):
            path.chmod(0o755)
    other = Bundle(bundle.directory / "other", rootfs)
    other.directory.mkdir()
    other.name += "-other"
    other.config["linux"]["namespaces"] += [{"type": "user"}, {"type": "time"}]
    for name in ("uidMappings", "gidMappings"):
        other.config["linux"][name] = [{"containerID": 0, "hostID": 100_000, "size": 65536}]
    other.config["linux"]["timeOffsets"] = {"boottime": {"secs": 1_000_000_000}}
    other.program("sleep", "60").create()
    try:
        pid = json.loads(other("state", other.name))["pid"]
        joined = [{"type": kind, "path": f"/proc/{pid}/ns/{kind}"} for kind in ("user", "time", "uts")]
        kept = [each for each in bundle.config["linux"]["namespaces"] if each["type"] != "uts"]
        bundle.config["linux"]["namespaces"] = [*kept, *joined]
        del bundle.config["hostname"]
        assert int(bundle.run("cut", "-d.", "-f1", "/proc/uptime")) > 1_000_000_000
    finally:
        other("delete", "--force", other.name)


def test_joined_namespaces(bundle: Bundle) -> None:
    other = Bundle(bundle.directory / "other", Path(bundle.config["root"]["path"]))
    other.directory.mkdir()
    other.name += "-other"
    other.config["hostname"] = "other"
    other.program("sleep", "60").create()
    try:
        pid = json.loads(other("state", other.name))["pid"]
        for entry in bundle.config["linux"]["namespaces"]:
            if entry["type"] in ("uts", "network", "ipc", "pid"):
                entry["path"] = f"/proc/{pid}/ns/{ {'network': 'net'}.get(entry['type'], entry['type']) }"
        del bundle.config["hostname"]
        other("start", other.name)
        assert bundle.run("sh", "-c", "hostname; cat /proc/1/comm") == "other\nsleep\n"
    finally:
        other("delete", "--force", other.name)


def test_a_network_namespace_that_a_file_keeps(bundle: Bundle, tmp_path: Path) -> None:
    """As podman and `ip netns` keep theirs: a file on which the kernel's own is mounted; no link leads there."""
    kept = tmp_path / "netns"
    kept.touch()
    subprocess.run(["unshare", "--net", "mount", "--bind", "/proc/self/ns/net", kept], check=True)
    try:
        for entry in bundle.config["linux"]["namespaces"]:
            if entry["type"] == "network":
                entry["path"] = str(kept)
        bundle.config["linux"]["sysctl"] = {"net.ipv4.ip_default_ttl": "77"}
        seen = bundle.run("sh", "-c", "readlink /proc/self/ns/net; cat /proc/sys/net/ipv4/ip_default_ttl")
        assert seen == f"net:[{kept.stat().st_ino}]\n77\n"
    finally:
        subprocess.run(["umount", kept], check=True)
    assert "is no network namespace" in bundle("run", bundle.name, status=None)  # what is left is an empty file


CHANGES: list[tuple[str, Any, str]] = [
    ("ociVersion", "9.0.0", "ociVersion: must be 1.x.y"),
    ("ociVersion", "1.2", "ociVersion: must be 1.x.y"),
    ("ociVersion", None, "ociVersion: is missing"),
    ("process.args", [], "process.args: is missing or empty"),
    ("process.args", "sh", "process.args: must be a list"),
    ("process.cwd", "tmp", "process.cwd: must be an absolute path"),
    ("process.env", ["A=1", "B"], "process.env[1]: 'B' is not NAME=value"),
    ("process.user.uid", -1, "process.user.uid: must be from 0"),
    ("process.user.uid", (1 << 32) - 1, "process.user.uid: must be from 0 to 4294967294"),
    ("process.user.gid", (1 << 32) - 1, "process.user.gid: must be from 0 to 4294967294"),
    ("process.user.additionalGids", [5, (1 << 32) - 1], "process.user.additionalGids[1]: must be from 0 to 4294967294"),
    ("linux.uidMappings", [{"containerID": 0, "hostID": (1 << 32) - 1, "size": 1}], "linux.uidMappings"),
    ("process.rlimits", [{"type": "RLIMIT_X", "soft": 1, "hard": 1}], "process.rlimits[0].type: no such limit"),
    ("process.apparmorProfile", "x\ny", "process.apparmorProfile: "),
    ("process.selinuxLabel", "x", "process.selinuxLabel: SELinux labels are not supported"),
    ("root.path", "/nowhere", "root.path: /nowhere is no directory"),
    ("hostname", 5, "hostname: must be a string"),
    ("mounts", [{"type": "tmpfs"}], "mounts[0].destination: is missing"),
    ("mounts", [{"destination": "/x", "type": "bind", "source": "/nowhere"}], "/nowhere, to be bound to /x, does not exist"),
    ("linux.namespaces", [{"type": "magic"}], "linux.namespaces[0].type: no such namespace"),
    ("linux.namespaces", [{"type": "mount"}, {"type": "mount"}], "linux.namespaces[1].type: mount is named twice"),
    ("linux.namespaces", [{"type": "mount"}, {"type": "uts", "path": "/no"}], "linux.namespaces[1].path: /no does not exist"),
    ("linux.namespaces", [{"type": "mount"}, {"type": "uts", "path": "/proc/self/ns/ipc"}], "is no uts namespace"),
    ("linux.namespaces", [{"type": "pid"}, {"type": "user"}], "linux.namespaces: a mount namespace is missing"),
    ("linux.uidMappings", [{"containerID": 0, "hostID": 9, "size": 1}], "linux.uidMappings: needs a user namespace"),
    ("linux.rootfsPropagation", "sideways", "linux.rootfsPropagation: must be one of"),
    ("linux.sysctl", {"kernel.hostname": "x"}, "linux.sysctl.kernel.hostname: conflicts with `hostname`"),
    ("linux.sysctl", {"vm.swappiness": "1"}, "linux.sysctl.vm.swappiness: vm.swappiness is a setting of the whole machine"),
    (
        "linux",
        {"namespaces": [{"type": "mount"}, {"type": "uts", "path": "/proc/self/ns/uts"}]},
        "hostname: needs a uts namespace",
    ),
    (
        "linux",
        {
            "namespaces": [{"type": "mount"}, {"type": "uts"}, {"type": "network", "path": "/proc/self/ns/net"}],
            "sysctl": {"net.ipv4.ip_forward": "1"},
        },
        "net.ipv4.ip_forward needs a network namespace that is not this machine's",
    ),
    ("linux.resources.devices", [{"allow": True, "access": "x"}], "linux.resources.devices[0].access: must be of r, w and m"),
    ("linux.resources.unified", {"../x": "1"}, "is no file of a cgroup"),
    ("linux.seccomp", {"defaultAction": "SCMP_ACT_X"}, "seccomp: no such action: SCMP_ACT_X"),
    ("linux.intelRdt", {"closID": "x"}, "linux.intelRdt: Intel RDT is not supported"),
    ("hooks.prestart", [{"path": "sh"}], "hooks.prestart[0].path: must be an absolute path"),
    ("hooks.poststop", [{"path": "/bin/sh", "timeout": 0}], "hooks.poststop[0].timeout: must be more than 0"),
]


@pytest.mark.parametrize(("path", "value", "message"), CHANGES, ids=lambda v: str(v)[:40])
def test_what_cannot_be_is_refused_by_its_path(bundle: Bundle, path: str, value: Any, message: str) -> None:
    *parents, last = path.split(".")
    place = bundle.config
    for name in parents:
        place = place.setdefault(name, {})
    place[last] = value
    said = bundle("run", bundle.name, status=1)
    assert message in said
    assert "Traceback" not in said
    assert bundle("list", "--quiet") == ""
    assert not any(os.path.exists(directory) for directory in Cgroup.near_own(bundle.name).directories.values())


def test_what_is_not_known_here_is_said_and_left_out(bundle: Bundle) -> None:
    """The specification wants a warning for capabilities, and nothing for properties of later versions."""
    bundle.config |= {"ociVersion": "1.9.3-dev", "annotations": {"org.example": "x"}, "later": {"x": 1}}
    bundle.config["process"] |= {"later": True}
    bundle.config["process"]["capabilities"]["bounding"] = ["CAP_KILL", "CAP_FLY"]
    said = bundle.run("grep", "CapBnd", "/proc/self/status")
    assert "warning: process.capabilities: not known here, and not given: 'FLY'" in said
    assert "CapBnd:\t0000000000000020" in said


def test_a_limit_that_cannot_be_given_is_said(bundle: Bundle) -> None:
    if Capability.SYS_RESOURCE in capget()["effective"]:
        pytest.skip("root may raise every limit here")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    bundle.config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": most + 1}]
    assert f"warning: process.rlimits[0]: 10:{most + 1} is more than may be given" in bundle.run("sh", "-c", "ulimit -Hn")


def test_version_twos_own_settings_are_not_forgotten(bundle: Bundle) -> None:
    """Where version 1 has the controller there is nothing that could stand in for them."""
    if "memory" not in dict(hierarchies().v1):
        pytest.skip("needs the memory controller of version 1")
    bundle.config["linux"]["resources"] = {"unified": {"memory.high": "100000000"}}
    assert "this machine's cgroups have no memory.high" in bundle.run("true", status=1)


def test_a_block_devices_rate(bundle: Bundle) -> None:
    """Version 1 calls the controller blkio and version 2 io; where both are mounted, one of them has it."""
    device = next(Path("/sys/block").glob("*/dev")).read_text().strip()
    major, minor = map(int, device.split(":"))
    rate = {"major": major, "minor": minor, "rate": 1 << 20}
    bundle.config["linux"]["resources"] = {"blockIO": {"throttleReadBpsDevice": [rate]}}
    bundle.program("true").create()
    there = Cgroup.near_own(bundle.name).directories
    if "blkio" in there:
        assert Path(there["blkio"], "blkio.throttle.read_bps_device").read_text() == f"{device} {1 << 20}\n"
    else:
        assert f"{device} rbps={1 << 20} " in Path(there[""], "io.max").read_text()


def test_without_systemd_a_scope_is_refused(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(scope, "RUNS", tmp_path / "nothing")
    bundle.config["linux"]["cgroupsPath"] = f"system.slice:labcore:{bundle.name}"
    (bundle.directory / "config.json").write_text(json.dumps(bundle.config))
    with pytest.raises(Unavailable, match="no systemd runs here\n  cure: podman --cgroup-manager cgroupfs"):
        Runtime(bundle.state).create(bundle.name, bundle.directory, scope=True)
    assert list(bundle.state.iterdir()) == []


def test_a_scope_of_systemds(bundle: Bundle) -> None:
    """The limits hold, also when systemd puts its cgroups in order anew; at the end the scope is gone, and its name free."""
    if not scope.RUNS.is_dir() or hierarchies().v1:
        pytest.skip("needs systemd with cgroups of version 2")
    path, unit = f"/system.slice/labcore-{bundle.name}.scope", f"labcore-{bundle.name}.scope"
    bundle.config["linux"]["cgroupsPath"] = f"system.slice:labcore:{bundle.name}"
    bundle.config["linux"]["resources"] = {"memory": {"limit": 64 << 20}, "pids": {"limit": 20}}
    for _ in range(2):
        bundle.program("sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.05; done").create("--systemd-cgroup")
        pid = json.loads(bundle("state", bundle.name))["pid"]
        assert Path(f"/proc/{pid}/cgroup").read_text() == f"0::{path}\n"
        bundle("start", bundle.name)
        bundle("update", "--pids-limit", "30", bundle.name)
        subprocess.run(["systemctl", "daemon-reload"], check=True)
        files = [Path(f"/sys/fs/cgroup{path}/{name}").read_text() for name in ("memory.max", "pids.max")]
        assert files == [f"{64 << 20}\n", "30\n"]
        asked = ["systemctl", "show", unit, "-P", "Delegate", "-P", "TasksMax", "-P", "Slice"]
        assert subprocess.check_output(asked, text=True).split() == ["system.slice", "yes", "30"]
        bundle("delete", "--force", bundle.name)
        assert not Path(f"/sys/fs/cgroup{path}").exists()
    bundle.config["linux"]["resources"] = {"memory": {"limit": 64 << 20, "swap": 1}}  # less than memory: it fails on the way
    assert "of memory and swap together" in bundle("--systemd-cgroup", "create", bundle.name, status=1)
    assert not Path(f"/sys/fs/cgroup{path}").exists()


def test_the_log_is_what_engines_read(bundle: Bundle) -> None:
    log = bundle.directory / "log.json"
    (bundle.directory / "config.json").write_text("not json")
    command = [sys.executable, "-m", "labcore.runtime.oci.cli", "--log", str(log), "--log-format", "json", "create", "x"]
    done = subprocess.run(command, cwd=bundle.directory, capture_output=True, text=True)
    assert done.returncode == 1
    entry = json.loads(log.read_text())
    assert entry["level"] == "error"
    assert "config.json cannot be read" in entry["msg"]


def test_options_that_cannot_be_are_refused_by_name(bundle: Bundle) -> None:
    assert "--no-pivot" in bundle("create", "--no-pivot", "x", status=1)
    assert "--process-label" in bundle("exec", "--process-label", "x", "x", "true", status=255)
    assert "--sideways: there is no such option" in bundle("create", "--sideways", "x", status=1)
    assert "no such command: fly" in bundle("fly", status=1)
    assert "is no container's name" in bundle("state", "../x", status=1)
    assert "NOPE is no signal" in bundle("kill", bundle.name, "NOPE", status=1)


def test_a_damaged_state_is_said_and_can_be_cleared(bundle: Bundle) -> None:
    bundle.program("sleep", "60").create()
    pid = json.loads(bundle("state", bundle.name))["pid"]
    for name, command in (("state.json", "state"), ("life", "state"), ("life", "delete"), ("life", "start")):
        file = bundle.state / bundle.name / name
        text = file.read_text()
        file.write_text(text[: len(text) // 3])
        assert "its state cannot be read" in bundle(command, bundle.name, status=1)
        file.write_text(text)
    (bundle.state / bundle.name / "state.json").write_text("{")  # what ends it is in the other file
    bundle("delete", "--force", bundle.name)
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()


def test_a_number_that_now_means_another_process_is_left_alone(bundle: Bundle) -> None:
    bundle.program("true").create()
    bundle("start", bundle.name)
    bundle.wait_for("stopped")
    file = bundle.state / bundle.name / "state.json"
    saved = json.loads(file.read_text())
    with Started(["sleep", "60"]) as innocent:
        file.write_text(json.dumps(saved | {"pid": innocent.pid}))
        assert json.loads(bundle("state", bundle.name))["status"] == "stopped"
        assert "not running" in bundle("kill", bundle.name, "KILL", status=1)
        bundle("delete", bundle.name)
        assert innocent.poll() is None
        innocent.send_signal(signal.SIGKILL)


def test_features_and_version(bundle: Bundle) -> None:
    features = json.loads(bundle("features"))
    assert {"mount", "user", "time"} <= set(features["linux"]["namespaces"])
    assert "labcore-runtime version" in bundle("--version")


def test_a_stage_of_ones_own_takes_the_place_of_any(bundle: Bundle) -> None:
    """A learner's function in place of a stage, in the library that engines drive."""

    def louder(spec: ContainerSpec) -> list[Op]:
        return [ops.SetHostname(f"{spec.hostname}-by-hand")]

    bundle.program("hostname")
    (bundle.directory / "config.json").write_text(json.dumps(bundle.config))
    runtime = Runtime(bundle.state, stages={"hostname": louder})
    reader, writer = os.pipe()
    before = os.dup(1)
    os.dup2(writer, 1)  # the container's standard streams are its starter's
    try:
        process = runtime.create(bundle.name, bundle.directory, keep=True)
    finally:
        os.dup2(before, 1)
        os.close(before)
        os.close(writer)
    with process, os.fdopen(reader, "rb") as output:
        runtime.start(bundle.name)
        assert process.wait(10) == 0
        assert output.read() == b"labcore-by-hand\n"
    runtime.delete(bundle.name)


def test_escapes_that_are_known_do_not_work(bundle: Bundle) -> None:
    """Tried from inside, with Docker's rights: each must fail, and say so."""
    kept = [f"CAP_{name}" for name in DOCKER_CAPABILITIES]
    bundle.config["process"]["capabilities"] = dict.fromkeys(("bounding", "effective", "permitted"), kept)
    bundle.config["process"]["noNewPrivileges"] = False
    attacks = {
        "sysrq": "echo h > /proc/sysrq-trigger",
        "kernel settings": "cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern",
        "mount": "mount -t tmpfs none /tmp",
        "remount": "mount -o remount,rw /proc/sys",
        "the root of process 1": "ls /proc/1/root/../../../etc/shadow",
        "a disk of the machine": "mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk",
        "a namespace": "unshare -m true",
        "the host name of the machine": "nsenter -t 1 -u hostname x",
        "cgroup release agent": "echo /x > /sys/fs/cgroup/release_agent",
    }
    script = "\n".join(f"( {attack} ) >/dev/null 2>&1 && echo '{name} worked'" for name, attack in attacks.items())
    assert bundle.run("sh", "-c", f"{script}\necho done") == "done\n"
    look = (
        "ls /proc/self/fd | wc -l; ls -l /proc/1/fd 2>/dev/null | grep -c -E 'socket|memfd|labcore'"  # the shell closes a pipe
    )
    leaked = bundle.run("sh", "-c", look, status=1)
    assert leaked.split() == ["4", "0"]


def test_a_working_directory_that_is_closed_to_the_user(bundle: Bundle, tmp_path: Path) -> None:
    """It is entered by the rights of whoever starts the container, or else of the user; so it is by exec."""
    (tmp_path / "closed").mkdir(0o700)
    bundle.config["mounts"].append(
        {"destination": "/closed", "type": "bind", "source": str(tmp_path / "closed"), "options": ["bind"]}
    )
    bundle.config["process"] |= {"user": {"uid": 1000, "gid": 1000}, "cwd": "/closed"}
    assert bundle.run("sh", "-c", "pwd; id -u") == "/closed\n1000\n"
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    assert bundle("exec", bundle.name, "pwd") == "/closed\n"


def test_a_working_directory_that_leads_out_is_not_entered_with_roots_rights(bundle: Bundle) -> None:
    bundle.config["linux"]["namespaces"] = [n for n in bundle.config["linux"]["namespaces"] if n["type"] != "pid"]
    bundle.config["process"]["cwd"] = f"/proc/{os.getpid()}/root"
    assert "chdir" in bundle.run("pwd", status=1)


def test_what_keeps_a_container_from_its_program_is_said(bundle: Bundle, tmp_path: Path) -> None:
    """By `create` as far as it can be known; what the kernel says to the program itself on the container's standard error."""
    scripts = {"plain": "echo hi\n", "orphan": "#!/no/such\n"}
    for name, text in scripts.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    bundle.config["mounts"].append({"destination": "/own", "type": "bind", "source": str(tmp_path), "options": ["bind"]})
    assert "exec /own/plain: exec format error" in bundle.run("/own/plain", status=127)
    assert "exec /own/orphan: no such file or directory" in bundle.run("/own/orphan", status=127)
    assert "exec sh: argument list too long" in bundle.run("sh", "-c", "x" * 200_000, status=127)
    bundle.program("/own/plain").create()
    bundle("start", bundle.name)
    bundle.wait_for("stopped")
    assert bundle.output() == "exec /own/plain: exec format error\n"
    bundle("delete", bundle.name)
    bundle.config["process"]["cwd"] = "/own/plain"
    assert "/own/plain is a file, not a directory" in bundle.program("sh")("create", bundle.name, status=1)
    bundle.config["process"] |= {"cwd": "/", "capabilities": {"effective": ["CAP_KILL"]}}
    assert "what is not permitted cannot be effective: CAP_KILL" in bundle("create", bundle.name, status=1)
    assert "does not exist" in bundle("state", bundle.name, status=1)


def test_an_exec_that_nobody_waits_for_says_what_failed(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("echo hi\n")
    (tmp_path / "plain").chmod(0o755)
    bundle.config["mounts"].append({"destination": "/own", "type": "bind", "source": str(tmp_path), "options": ["bind"]})
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    pid_file = tmp_path / "pid"
    for words, why in (
        (["/own/plain"], "process.args[0]: exec /own/plain: exec format error\n"),
        (["--cwd", "/nonesuch", "true"], "op "),
        (["--cwd", "/own/plain", "true"], "op "),
    ):
        said = bundle("exec", "--detach", "--pid-file", str(pid_file), *words[:-1], bundle.name, words[-1], status=255)
        assert said.startswith(f"labcore-runtime: {why}")
        assert "PATH" not in said  # what the host has there says nothing
        assert not pid_file.exists()
    assert "executable file not found" in bundle("exec", "--detach", bundle.name, "nonesuch", status=255)


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_streams_that_are_closed_are_dev_null(bundle: Bundle, closed: tuple[int, ...], tmp_path: Path) -> None:
    (tmp_path / "seen").touch()
    bundle.config["mounts"].append({"destination": "/own", "type": "bind", "source": str(tmp_path), "options": ["bind"]})
    each = 'for f in 0 1 2; do all="$all $(readlink /proc/$$/fd/$f)"; done; echo $all > /own/seen'
    look = f"{each}; sleep 0.1; echo end >> /own/seen; exit 5"
    shut = " ".join(f"{fd}<&-" for fd in closed)
    bundle.program("sh", "-c", look)("run", bundle.name, status=5, before=("sh", "-c", f'exec "$@" {shut}', "sh"))
    *found, end = (tmp_path / "seen").read_text().split()
    assert end == "end"
    assert [found[fd] for fd in closed] == ["/dev/null"] * len(closed)


def test_of_equal_variables_the_last_one_holds(bundle: Bundle) -> None:
    """In config.json, and of an exec's beside the container's; so PATH is looked at, too."""
    bundle.config["process"]["env"] = ["PATH=/nonesuch", "A=1", "B=x", "A=2", "PATH=/bin"]
    assert bundle.run("env").splitlines()[:3] == ["B=x", "A=2", "PATH=/bin"]
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    said = bundle("exec", "--env", "A=3", "--env", "A=4", bundle.name, "env")
    assert [line for line in said.splitlines() if line[0] in "ABP"] == ["B=x", "PATH=/bin", "A=4"]
    assert "executable file not found" in bundle("exec", "--env", "PATH=/nonesuch", bundle.name, "env", status=255)


def test_a_mounts_place_may_be_a_link_that_leads_nowhere_yet(bundle: Bundle, rootfs: Path, tmp_path: Path) -> None:
    """As /etc/resolv.conf and /etc/localtime are in many images: what they lead to is made, inside the root."""
    own = tmp_path / "rootfs"
    subprocess.run(["cp", "-a", str(rootfs), str(own)], check=True)
    bundle.config["root"] = {"path": str(own)}
    (own / "etc").mkdir(exist_ok=True)
    (own / "var").mkdir(exist_ok=True)
    (own / "etc/resolv.conf").symlink_to("../../../run/resolve/stub.conf")
    (own / "etc/loop").symlink_to("loop")
    (own / "var/run").symlink_to("../run")
    (tmp_path / "file").write_text("bound\n")
    bundle.config["mounts"] += [
        {"destination": "/run", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/etc/resolv.conf", "type": "bind", "source": str(tmp_path / "file"), "options": ["bind", "ro"]},
        {"destination": "/var/run/app", "type": "tmpfs", "source": "tmpfs"},
    ]
    bundle.config["process"]["cwd"] = "/var/run/here/there"
    said = bundle.run("sh", "-c", "cat /etc/resolv.conf; pwd; cut -d' ' -f5 /proc/self/mountinfo | grep ^/run")
    assert said == "bound\n/run/here/there\n/run\n/run/resolve/stub.conf\n/run/app\n"
    assert not Path("/run/resolve").exists()
    bundle.config["mounts"].append({"destination": "/etc/loop", "type": "tmpfs", "source": "tmpfs"})
    assert "ELOOP" in bundle.run("true", status=1)


def test_without_a_mount_namespace_the_runtimes_own_is_inherited(bundle: Bundle) -> None:
    """And nothing is mounted there: what the bundle mounts is part of a root that is mounted nowhere."""
    bundle.config["linux"]["namespaces"] = [{"type": kind} for kind in ("pid", "uts", "ipc", "network")]
    bundle.config["hooks"] = {"startContainer": [{"path": "/bin/touch", "args": ["touch", "/dev/shm/by-the-hook"]}]}
    before = Path("/proc/self/mountinfo").read_text()
    bundle.program("sh", "-c", "ls -d /bin/busybox /dev/pts /dev/shm/by-the-hook; exec sleep 60").create()
    bundle("start", bundle.name)
    pid = json.loads(bundle("state", bundle.name))["pid"]
    look = "readlink /proc/1/ns/mnt; ls /proc/1/root/dev/shm; echo no > /proc/sys/kernel/domainname || cat /proc/self/mountinfo"
    seen = bundle("exec", bundle.name, "sh", "-c", look)
    assert seen.splitlines()[:2] == [os.readlink("/proc/self/ns/mnt"), "by-the-hook"]
    assert "domainname: Read-only file system" in seen
    assert os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt")
    assert Path("/proc/self/mountinfo").read_text() == before
    assert not Path("/dev/shm/by-the-hook").exists()
    assert bundle.output().splitlines() == ["/bin/busybox", "/dev/pts", "/dev/shm/by-the-hook"]
    bundle("delete", "--force", bundle.name)
    assert Path("/proc/self/mountinfo").read_text() == before
