"""The command, as a user types it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.engine.options.resources import PREFIX
from labcore.runtime.cgroups import Cgroup, removal
from tests.conftest import PROJECT, closed_to_others, needs_root, within_reach
from tests.threads import Started

pytestmark = pytest.mark.usefixtures("served", "nothing_left")
LABCORE = [str(Path(sys.executable).with_name("labcore"))]


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


def labcore(engine: Engine, *words: str, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [*LABCORE, "--root", str(engine.root), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload, no-any-return]


def test_hello_world(engine: Engine) -> None:
    done = labcore(engine, "run", "--rm", "hello-world")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Hello from labcore!" in done.stdout


def test_options_of_run(engine: Engine) -> None:
    script = "hostname; echo $A $B; pwd"
    words = ["--hostname", "box", "-e", "A=1", "--env", "B=2 3", "-w", "/tmp", "busybox", "sh", "-c", script]
    assert labcore(engine, "run", "--rm", *words).stdout == "box\n1 2 3\n/tmp\n"


def test_options_behind_the_image_are_the_programs(engine: Engine) -> None:
    assert labcore(engine, "run", "--rm", "busybox", "echo", "--rm", "-e", "x").stdout == "--rm -e x\n"


def test_entrypoint(engine: Engine) -> None:
    assert labcore(engine, "run", "--rm", "--entrypoint", "echo", "busybox", "hi").stdout == "hi\n"


def test_standard_input_only_with_interactive(engine: Engine) -> None:
    assert labcore(engine, "run", "--rm", "-i", "busybox", "cat", input="typed").stdout == "typed"
    assert labcore(engine, "run", "--rm", "busybox", "cat", input="typed").stdout == ""


@pytest.mark.parametrize(
    ("status", "words", "message"),
    [
        (3, ["busybox", "sh", "-c", "exit 3"], ""),
        (137, ["busybox", "sh", "-c", "sh -c 'kill -9 $$; true'; exit $?"], ""),
        (127, ["busybox", "nope"], "there is no nope in any directory of PATH"),
        (127, ["busybox", "/no/such"], "there is no /no/such in this root"),
        (126, ["busybox", "/etc/passwd"], "/etc/passwd is not executable"),
        (126, ["busybox", "/etc"], "/etc is a directory"),
        (125, ["--pull", "never", "nope"], "No such image: nope:latest"),
        (125, ["--pull", "perhaps", "nope"], "--pull perhaps: always, missing or never"),
        (125, ["Bad Name"], "invalid reference format"),
        (125, ["-a", "stdlog", "busybox", "true"], "valid streams are STDIN, STDOUT and STDERR"),
        (125, ["-d", "-a", "stdin", "busybox", "true"], "cannot specify both --attach and --detach"),
        (125, ["--detach-keys", "zz", "busybox", "true"], "Invalid detach keys (zz) provided"),
        (125, ["-t", "-i", "busybox", "true"], "the input device is not a TTY"),
        (125, ["-e", "=LONELY", "busybox", "true"], "NAME=VALUE is wanted"),
        (125, ["--hostname", "x" * 65, "busybox", "true"], "1 to 64"),
        (125, ["-w", "relative", "busybox", "true"], "it needs to be an absolute path"),
        (125, ["--rootfs", "/etc", "true"], "--rootfs: a daemon has no such option for one container"),
        (125, ["--userns-remap", "100000", "busybox", "true"], "labcore daemon --userns-remap is for all containers"),
        (125, ["--bogus", "busybox", "true"], "unknown flag: --bogus"),
        (1, [], "requires at least 1 argument: IMAGE"),
    ],
)
def test_exit_codes_are_dockers(engine: Engine, status: int, words: list[str], message: str) -> None:
    done = labcore(engine, "run", "--rm", *words)
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_no_traceback(engine: Engine) -> None:
    """Nor does the container go on that wrote into it."""
    command = " ".join([*LABCORE, "--root", str(engine.root), "run", "--rm", "--name", "yes", "busybox", "yes"])
    done = subprocess.run(["bash", "-c", f"{command} | head -1"], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("y\n", "")
    labcore(engine, "wait", "yes")
    deadline = time.monotonic() + 20
    while "yes" in labcore(engine, "ps", "-a").stdout:
        assert time.monotonic() < deadline
    plan = " ".join([*LABCORE, "--root", str(engine.root), "plan", "busybox"])
    done = subprocess.run(["bash", "-c", f"{plan} | true"], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""


def test_plan_takes_the_same_arguments(engine: Engine) -> None:
    done = labcore(engine, "plan", "--hostname", "box", "busybox", "hostname")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["0", "clone", "NEWNS", "NEWPID", "NEWUTS", "NEWIPC", "NEWNET", "NEWCGROUP"]
    assert any(line.split()[1:] == ["sethostname", "box"] for line in lines)
    assert lines[-1].startswith("carrier: monitor"), "it waits for its network"
    assert any("sync" in line.split() for line in lines)
    alone = labcore(engine, "plan", "--network", "none", "busybox", "hostname").stdout.splitlines()
    assert alone[-1].startswith("carrier: extension")


def test_signals_are_passed_on(engine: Engine) -> None:
    script = "trap 'echo got it; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
    command = [*LABCORE, "--root", str(engine.root), "run", "--rm", "busybox", "sh", "-c", script]
    with Started(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.stdout.read() == "got it\n"
        assert process.wait(10) == 9


def test_other_signals_may_come_often(engine: Engine) -> None:
    script = "trap 'echo again' HUP; trap 'exit 8' TERM; echo ready; while :; do sleep 0.02; done"
    command = [*LABCORE, "--root", str(engine.root), "run", "--rm", "busybox", "sh", "-c", script]
    with Started(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(3):
            process.send_signal(signal.SIGHUP)
            assert process.stdout.readline() == "again\n"
        process.terminate()
        assert process.wait(10) == 8


def test_a_root_that_is_called_like_a_command(engine: Engine, tmp_path: Path) -> None:
    done = subprocess.run([*LABCORE, "--root", "lab", "seed", "hello-world"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "lab/images/index.json").exists()


def test_the_second_interrupt_kills_what_ignores_the_first(engine: Engine) -> None:
    script = "trap 'echo goes on' INT; echo ready; while :; do sleep 0.05; done"
    command = [*LABCORE, "--root", str(engine.root), "run", "--rm", "busybox", "sh", "-c", script]
    with Started(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "goes on\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 137


RUN = "import sys, labcore; labcore.run('busybox', ['sh', '-c', 'echo ready; sleep 4711'], root=sys.argv[1], stdout=None, {})"


@pytest.mark.parametrize("options", ["", "memory='64m'", "remap='100000'"], ids=["plain", "cgroup", "users"])
def test_a_killed_library_leaves_no_container(engine: Engine, options: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever carries the plan: a monitor ends with its starter, and the container with the monitor."""
    command = [sys.executable, "-c", RUN.format(options), str(engine.root)]
    with Started(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    for _ in range(1000):
        running = [p for p in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x004711" in _read(p)]
        if not running:
            break
        time.sleep(0.05)
    assert not running
    monkeypatch.setattr(removal, "ABANDONED_SECONDS", -1)
    directories = {
        os.path.dirname(each) for near in (Cgroup.near_own, Cgroup.alone_near_own) for each in near("any").entrances()
    }
    for _ in range(1000):  # the kernel takes its time to take the dead out of them
        removal.remove_abandoned(directories, PREFIX)
        if not any([*Path(each).glob(f"{PREFIX}*")] for each in directories):
            break
        time.sleep(0.05)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_seed(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    done = labcore(engine, "seed")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["busybox:latest", "hello-world:latest"]
    assert labcore(engine, "seed", "fedora").returncode == 125
    listed = labcore(engine, "seed", "--list").stdout.splitlines()
    assert [line.split()[0] for line in listed[1:-1]] == ["busybox", "hello-world", "alpine", "debian", "nginx", "python"]
    assert labcore(engine, "run", "--rm", "hello-world").returncode == 0


def test_without_busybox_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from labcore.errors import Unavailable
    from labcore.images import ImageStore, builtin
    from labcore.images.builtin import busybox_program

    monkeypatch.setattr(busybox_program, "BUSYBOX_PLACES", ("/proc/self/exe",))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="apt-get install busybox-static"):
        builtin.seed_busybox(ImageStore(tmp_path))


def test_python_m_labcore(engine: Engine) -> None:
    command = [sys.executable, "-m", "labcore", "--root", str(engine.root), "run", "--rm", "busybox", "echo", "hi"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "hi\n"


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["plan", "--help"], ["doctor", "--help"], ["seed", "--help"]])
def test_help(engine: Engine, words: list[str]) -> None:
    done = labcore(engine, *words)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage:  labcore")


def test_without_a_command_the_help_is_shown(engine: Engine) -> None:
    done = labcore(engine)
    assert done.returncode == 0
    assert "Begin with: labcore seed" in " ".join(done.stdout.split())


def test_doctor(engine: Engine) -> None:
    done = labcore(engine, "doctor", "--json")
    found = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    for name in ("kernel", "mount namespace", "user namespace", "pivot_root", "overlayfs", "cgroups", "seccomp", "root mount",
                 "capabilities", "ip_forward", "FORWARD policy", "nftables", "KVM", "architecture", "store", "CJK fonts",
                 "unprivileged use", "kernel options"):  # fmt: skip
        assert found[name]["state"] in ("ok", "limited", "missing", "untried"), name
        assert found[name]["affects"]
    assert found["overlayfs"]["state"] == "ok"
    assert str(engine.root) in found["store"]["detail"]
    lines = labcore(engine, "doctor").stdout.splitlines()
    assert len(lines) == len(found)
    assert all(line[0] in "✓!✗?" for line in lines)


def test_doctor_speaks_chinese(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCORE_LANG", "zh")
    done = labcore(engine, "doctor", "--json")
    found = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert found["overlayfs"]["detail"] == "已成功挂载一个"
    assert str(engine.root) in found["store"]["detail"]
    assert [name for name, finding in found.items() if not re.search("[\u4e00-\u9fff]", finding["affects"])] == []
    assert "✓ overlayfs          已成功挂载一个\n" in labcore(engine, "doctor").stdout


def test_doctor_as_an_ordinary_user_says_what_is_missing() -> None:
    script = (
        "import os; from labcore.cli import main; "
        "os.environ['LABCORE_ROOT'] = '/nowhere/at/all'; os.setgroups([]); os.setgid(65534); os.setuid(65534); "
        "raise SystemExit(main(['doctor']))"
    )
    done = subprocess.run(within_reach(sys.executable, "-c", script), cwd="/", capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "✗ mount namespace" in done.stdout
    assert "you are user 65534" in done.stdout
    assert "not writable by you" in done.stdout


def test_a_daemon_that_is_not_for_an_ordinary_user(engine: Engine) -> None:
    script = (
        "import os, sys; from labcore.cli import main; "
        "os.setgroups([]); os.setgid(65534); os.setuid(65534); raise SystemExit(main(sys.argv[1:]))"
    )
    for directory in (engine.root, *engine.root.parents):
        if directory.stat().st_uid == 0 and str(directory).startswith("/tmp/"):
            directory.chmod(0o755)
    command = within_reach(sys.executable, "-c", script, "--root", str(engine.root), "run", "--rm", "busybox", "true")
    done = subprocess.run(command, cwd="/", capture_output=True, text=True)
    assert done.returncode == 125, done.stderr
    assert "Permission denied" in done.stderr
    assert "cure: as root, or as a member of the socket's group" in done.stderr


def test_the_directory_that_bars_the_way_is_named(tmp_path: Path) -> None:
    """To an ordinary user whose state lies below it, or labcore itself."""
    needs_root()
    shutil.copytree(PROJECT / "labcore", tmp_path / "labcore", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "images").mkdir()
    script = (
        f"import locale, os, pathlib, shutil, sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from labcore.cli import main; import labcore.cli.fsck, labcore.cli.parser\n"
        "from labcore.native import program; from labcore.errors import Unavailable\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: program('labcore-init')\n"
        "except Unavailable as error: print(error)\n"
        f"raise SystemExit(main(['--root', {str(tmp_path)!r}, 'fsck']))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], cwd="/", capture_output=True, text=True)
    closed = closed_to_others(tmp_path / "labcore")
    assert f"{closed} is closed to you, and labcore lies in there\n  cure: chmod o+x {closed}" in done.stdout, done.stderr
    assert done.returncode == 125, done.stderr
    assert f"cure: {closed} is closed to you: chmod o+x {closed}, or run it as root" in done.stderr
