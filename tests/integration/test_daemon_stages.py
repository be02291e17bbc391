"""A learner's stages in the daemon: the stock docker command runs on `my_runtime.py`, and a mistake in it fails one start."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.lab.lessons import LESSONS
from labcore.lab.solutions import source_of
from labcore.lab.workspace import ENDING, HEADER
from labcore.runtime import STAGES
from tests.conftest import needs_root
from tests.daemon import DOCKER, RunningDaemon, running_daemon
from tests.terminals import docker_at_a_terminal

needs_docker = pytest.mark.skipif(not DOCKER.exists(), reason="today's docker is not there: tools/peers make")
STEPS = tuple(dict.fromkeys(name for lesson in LESSONS for name in (*lesson.steps, *lesson.challenges)))


def program(**own: str) -> str:
    """Return a `my_runtime.py` of the lessons' solutions, with functions of the learner's own in their places."""
    texts = [own.pop(name, None) or source_of(name) for name in STEPS]
    return "\n\n\n".join([HEADER, *texts, *own.values(), ENDING])


def hostname_of(mark: str) -> str:
    return f"def hostname(spec):\n    return [ops.SetHostname({mark!r})]\n"


@pytest.fixture
def mark() -> str:
    return f"mine-{secrets.token_hex(4)}"


@pytest.fixture
def file(tmp_path: Path, mark: str) -> Path:
    path = tmp_path / "my_runtime.py"
    path.write_text(program(hostname=hostname_of(mark)))
    return path


@pytest.fixture
def daemon(tmp_path: Path, file: Path) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path / "root", "--stages", str(file)) as made:
        yield made


@needs_docker
def test_the_stock_docker_command_runs_on_the_learners_stages(daemon: RunningDaemon, mark: str) -> None:
    ran = daemon.docker("run", "--rm", "busybox", "sh", "-c", "hostname; ls -A /etc; echo $((6 * 7))").stdout.split()
    assert ran[0] == mark
    assert ran[-1] == "42"
    assert "resolv.conf" not in ran, "the learner's rootfs knows of no files of labcore's"


@needs_docker
def test_a_container_in_a_stages_cgroup_outlives_the_daemon(tmp_path: Path) -> None:
    needs_root()
    (tmp_path / "my_runtime.py").write_text(program())
    options = ("--stages", str(tmp_path / "my_runtime.py"))
    with running_daemon(tmp_path / "root", *options, clears=False) as daemon:
        daemon.docker(
            "run", "-d", "--name", "box", "--hostname", "box", "-m", "64m", "--pids-limit", "9", "busybox", "sleep", "100"
        )
        pid = daemon.client.containers.get("box").attrs["State"]["Pid"]
        before = Path(f"/proc/{pid}/cgroup").read_text()
        assert "/labcore-stages-" in before
    assert Path(f"/proc/{pid}/cgroup").read_text() == before
    with running_daemon(tmp_path / "root", *options, seeds=()) as daemon:
        assert daemon.client.containers.get("box").attrs["State"]["Pid"] == pid
        daemon.docker("rm", "-f", "box")
    assert not list(Path("/sys/fs/cgroup").glob("**/labcore-stages-*"))


@needs_docker
def test_the_reference_stands_in_for_what_is_blank(daemon: RunningDaemon, file: Path, mark: str) -> None:
    blank = '''def rootfs(spec):\n    """Return the ops that make the root."""\n    ...\n'''
    file.write_text(program(rootfs=blank, mounts="", hostname=hostname_of(mark)))
    ran = daemon.docker("run", "--rm", "--hostname", "other", "busybox", "sh", "-c", "hostname; cat /etc/hostname").stdout
    assert ran.split() == [mark, "other"], "the reference's mounts come with labcore's own files in /etc"


@needs_docker
def test_a_stage_that_raises_fails_that_container_and_names_its_line(daemon: RunningDaemon, file: Path, mark: str) -> None:
    running = daemon.docker("run", "-d", "--name", "before", "busybox", "sleep", "600").stdout.strip()
    text = program(hostname=f"def hostname(spec):\n    return [ops.SetHostname(1 / 0)]  # {mark}\n")
    file.write_text(text)
    line = 1 + next(number for number, each in enumerate(text.splitlines()) if mark in each)

    said = daemon.docker("run", "--name", "wrong", "busybox", "true", status=125).stderr

    expected = f"{file}:{line}: stage hostname: ZeroDivisionError: division by zero"
    assert expected in said
    assert expected in daemon.client.containers.get("wrong").attrs["State"]["Error"]
    assert daemon.request("POST", "/containers/wrong/start").status == 400
    assert daemon.client.containers.get(running).status == "running"
    assert daemon.docker("exec", "before", "echo", "alive").stdout == "alive\n"

    file.write_text(program(hostname=hostname_of(mark)))
    assert daemon.docker("run", "--rm", "busybox", "hostname").stdout.strip() == mark, "it is read again when it has changed"


WRONG = (
    ("def hostname(spec):\n    ops.SetHostname('box')\n", "stage hostname: hostname returned nothing: is `return` missing?"),
    ("def hostname(spec):\n    return ['box']\n", "stage hostname: op 0 is 'box', which is no op"),
    ("def hostname(spec):\n    return ops.SetHostname('box')\n", "a stage returns a list of ops, in brackets"),
    ("def hostname(spec):\n    raise SystemExit('enough')\n", "stage hostname: SystemExit: enough"),
    ("def hostname(spec:\n    return []\n", "SyntaxError: '(' was never closed"),
    ("hostname = undefined\n", "NameError: name 'undefined' is not defined"),
)


def test_whatever_else_is_wrong_is_said_too(daemon: RunningDaemon, file: Path) -> None:
    made = daemon.request("POST", "/containers/create?name=wrong", {"Image": "busybox", "Cmd": ["true"]})
    assert made.status == 201
    for text, expected in WRONG:
        file.write_text(program(hostname=text))
        answer = daemon.request("POST", "/containers/wrong/start")
        message = answer.json["message"]
        assert (answer.status, expected in message, message.startswith(f"{file}:")) == (400, True, True), message
    file.unlink()
    gone = daemon.request("POST", "/containers/wrong/start")
    assert (gone.status, str(file) in gone.json["message"]) == (400, True)
    assert daemon.request("GET", "/_ping").content == b"OK"


def test_a_file_that_is_not_there_keeps_the_daemon_from_starting(tmp_path: Path) -> None:
    needs_root()
    command = [sys.executable, "-P", "-m", "labcore", "--root", tmp_path / "root", "daemon", "-H", f"unix://{tmp_path}/socket"]
    ended = subprocess.run(
        [*command, "--stages", tmp_path / "none.py"], capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip
    assert ended.returncode == 125
    assert f"{tmp_path}/none.py: there is no such file: name your my_runtime.py" in ended.stderr


def test_the_lessons_write_stages() -> None:
    assert len(set(STEPS) & set(STAGES)) >= 5


@pytest.mark.parametrize("options", [("-i",), ("-it",)])
@needs_docker
def test_what_is_sent_before_a_late_start_is_the_containers_input(
    daemon: RunningDaemon, file: Path, options: tuple[str, ...]
) -> None:
    late = "def hostname(spec):\n    import time\n    time.sleep(3)\n    return []\n"
    file.write_text("\n\n\n".join([HEADER, late, ENDING]))
    words = ("run", *options, "--rm", "--network", "none", "busybox", "sh", "-c", "read a; echo got $a; read b; echo got $b")
    if "-it" in options:
        with docker_at_a_terminal(daemon, *words) as terminal:
            terminal.type("early\nlater\n")
            assert terminal.wait() == 0
            assert [line for line in terminal.seen.splitlines() if line.startswith("got")] == ["got early", "got later"]
    else:
        assert daemon.docker(*words, stdin="early\nlater\n").stdout == "got early\ngot later\n"
