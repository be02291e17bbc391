"""exec by the daemon's API, by docker-py and by the stock docker command."""

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon
from tests.raw_api import UPGRADE, ask, wait_for
from tests.terminals import Terminal, docker_at_a_terminal


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as running:
        running.docker("run", "-d", "--name", "box", "--network", "none", "busybox", "sleep", "10000")
        yield running


def created(daemon: RunningDaemon, *command: str, name: str = "box", **options: Any) -> str:
    with ask(daemon.socket, "POST", f"/containers/{name}/exec", {"Cmd": command, **options}) as made:
        assert made.status == 201
        found: str = made.json()["Id"]
        return found


def inspected(daemon: RunningDaemon, id: str) -> dict[str, Any]:
    with ask(daemon.socket, "GET", f"/exec/{id}/json") as answer:
        found: dict[str, Any] = answer.json()
        return found


def test_both_streams_and_the_exit_code(daemon: RunningDaemon) -> None:
    id = created(daemon, "sh", "-c", "echo out; echo err >&2; exit 7", AttachStdout=True, AttachStderr=True)
    assert inspected(daemon, id)["ExitCode"] is None
    with ask(daemon.socket, "POST", f"/exec/{id}/start", {}, headers=UPGRADE) as started:
        assert started.first == "HTTP/1.1 101 UPGRADED"
        assert started.fields == [
            "Content-Type: application/vnd.docker.multiplexed-stream",
            "Connection: Upgrade",
            "Upgrade: tcp",
        ]
        assert started.frames() == {1: b"out\n", 2: b"err\n"}
    after = inspected(daemon, id)
    assert (after["Running"], after["ExitCode"]) == (False, 7)
    assert after["ProcessConfig"] == {
        "tty": False, "entrypoint": "sh", "arguments": ["-c", "echo out; echo err >&2; exit 7"], "privileged": False
    }  # fmt: skip


def test_without_an_upgrade_it_is_a_raw_200(daemon: RunningDaemon) -> None:
    id = created(daemon, "echo", "out", AttachStdout=True, AttachStderr=True)
    with ask(daemon.socket, "POST", f"/exec/{id}/start", {}) as started:
        assert (started.first, started.fields) == (
            "HTTP/1.1 200 OK",
            ["Content-Type: application/vnd.docker.raw-stream"],
        )
        assert started.frames() == {1: b"out\n"}


def test_input_that_came_with_the_head_and_its_end(daemon: RunningDaemon) -> None:
    id = created(daemon, "cat", AttachStdin=True, AttachStdout=True)
    with ask(daemon.socket, "POST", f"/exec/{id}/start", {}, headers=UPGRADE, more=b"early\n") as started:
        assert started.frame() == (1, b"early\n")
        started.send(b"late\n")
        started.end_input()
        assert started.frames() == {1: b"late\n"}
    assert inspected(daemon, id)["ExitCode"] == 0


def test_large_data_both_ways(daemon: RunningDaemon) -> None:
    data = os.urandom(1 << 20) * 8
    words = [*daemon.command("exec", "-i", "box", "cat")]
    done = subprocess.run(words, input=data, capture_output=True, timeout=60, check=True)
    assert done.stdout == data


def test_a_terminal_has_its_size_from_the_beginning(daemon: RunningDaemon) -> None:
    id = created(daemon, "stty", "size", Tty=True, AttachStdout=True, ConsoleSize=[11, 22])
    with ask(daemon.socket, "POST", f"/exec/{id}/start", {"Tty": True}, headers=UPGRADE) as started:
        assert "Content-Type: application/vnd.docker.raw-stream" in started.fields
        assert started.rest() == b"11 22\r\n"
    id = created(daemon, "stty", "size", Tty=True, AttachStdout=True)
    with ask(daemon.socket, "POST", f"/exec/{id}/start", {"Tty": True, "ConsoleSize": [33, 44]}) as started:
        assert started.rest() == b"33 44\r\n"


def test_a_containers_terminal_has_its_size_from_the_beginning_each_time(daemon: RunningDaemon) -> None:
    host = {"ConsoleSize": [11, 33], "NetworkMode": "none"}
    body = {"Image": "busybox", "Tty": True, "Cmd": ["stty", "size"], "HostConfig": host}
    id = daemon.request("POST", "/containers/create", body).json["Id"]
    for _ in range(2):
        daemon.docker("start", "-a", id)
    assert daemon.docker("logs", id).stdout == "11 33\n" * 2
    refused = daemon.request("POST", "/containers/create", body | {"HostConfig": {"ConsoleSize": [-1, 33]}})
    assert (refused.status, "HostConfig.ConsoleSize[0]" in refused.json["message"]) == (400, True)


def test_much_that_is_typed_at_once(daemon: RunningDaemon) -> None:
    """A terminal takes 4 KB, and more when the program has read them: what is pasted waits until then."""
    script = "stty raw -echo; echo ready; sleep 1; head -c 300000 | md5sum"
    data = b"0123456789abcde\n" * 18750
    id = created(daemon, "sh", "-c", script, Tty=True, AttachStdin=True, AttachStdout=True)
    with ask(daemon.socket, "POST", f"/exec/{id}/start", {"Tty": True}, headers=UPGRADE) as started:
        started.until(b"ready")
        started.send(data)
        assert hashlib.md5(data).hexdigest().encode() in started.rest()


def test_resize(daemon: RunningDaemon) -> None:
    script = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep .05; done"
    id = created(daemon, "sh", "-c", script, Tty=True, AttachStdout=True)
    with ask(daemon.socket, "POST", f"/exec/{id}/start", {"Tty": True}) as started:
        started.until(b"ready\r\n")
        with ask(daemon.socket, "POST", f"/exec/{id}/resize?h=12&w=34") as resized:
            assert resized.status == 200
        assert started.rest() == b"12 34\r\n"
    with ask(daemon.socket, "POST", f"/exec/{id}/resize?h=x&w=34") as refused:
        assert (refused.status, refused.json()["message"]) == (400, 'invalid resize height "x": invalid syntax')
    with ask(daemon.socket, "POST", f"/exec/{id}/resize?h=1&w=34") as refused:
        assert refused.status == 404


def test_detached(daemon: RunningDaemon) -> None:
    id = created(daemon, "sleep", "1000", User="33", Privileged=True, WorkingDir="/tmp", Env=["A=b"])
    with ask(daemon.socket, "POST", f"/exec/{id}/start", {"Detach": True}) as started:
        assert started.status == 200
    found = inspected(daemon, id)
    assert (found["Running"], found["ProcessConfig"]["user"], found["ProcessConfig"]["privileged"]) == (True, "33", True)
    environment = open(f"/proc/{found['Pid']}/environ", "rb").read()  # noqa: SIM115
    assert b"A=b\0" in environment
    assert os.stat(f"/proc/{found['Pid']}").st_uid == 33
    with ask(daemon.socket, "POST", f"/exec/{id}/start", {"Detach": True}) as again:
        assert (again.status, again.json()["message"]) == (409, f"exec command {id} is already running")
    with ask(daemon.socket, "GET", "/containers/box/json") as answer:
        assert answer.json()["ExecIDs"] == [id]
    os.kill(found["Pid"], 9)
    wait_for(lambda: inspected(daemon, id)["ExitCode"] == 137)


REFUSED = {
    "a program that is not there": (["nope"], 127, 'exec: "nope": executable file not found in $PATH'),
    "a path that is not there": (["/x/nope"], 127, 'exec: "/x/nope": stat /x/nope: no such file or directory'),
    "what is no program": (["/etc/passwd"], 126, 'exec: "/etc/passwd": permission denied'),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_executed(daemon: RunningDaemon, what: str) -> None:
    command, code, why = REFUSED[what]
    sentence = f"OCI runtime exec failed: exec failed: unable to start container process: {why}"
    id = created(daemon, *command, AttachStdout=True)
    with ask(daemon.socket, "POST", f"/exec/{id}/start", {}) as started:
        assert started.frames() == {1: f"{sentence}\r\n".encode()}
    assert inspected(daemon, id)["ExitCode"] == code
    id = created(daemon, *command)
    with ask(daemon.socket, "POST", f"/exec/{id}/start", {"Detach": True}) as started:
        assert (started.status, started.json()["message"]) == (400, sentence)
    done = daemon.docker("exec", "box", *command, status=code)
    assert why in done.stdout


def test_no_such_directory(daemon: RunningDaemon) -> None:
    done = daemon.docker("exec", "-w", "/nodir", "box", "ls", status=127)
    assert 'chdir to cwd ("/nodir") set in config.json failed: no such file or directory' in done.stdout


def test_a_relative_directory(daemon: RunningDaemon) -> None:
    words = "OCI runtime exec failed: exec failed: Cwd must be an absolute path"
    assert daemon.docker("exec", "-w", "tmp", "box", "ls", status=128).stdout.strip() == words
    assert words in daemon.docker("exec", "-d", "-w", "tmp", "box", "ls", status=1).stderr


def test_a_number_of_no_user(daemon: RunningDaemon) -> None:
    for user in ("-1", "2147483648", "0:99999999999"):
        refused = daemon.docker("exec", "-u", user, "box", "true", status=1).stderr
        assert "Error response from daemon: uids and gids must be in range 0-2147483647" in refused


def test_what_is_refused_before_anything_runs(daemon: RunningDaemon) -> None:
    daemon.docker("create", "--name", "still", "--network", "none", "busybox", "true")
    for target, body, status, words in (
        ("/containers/nobody/exec", {"Cmd": ["ls"]}, 404, "nobody"),
        ("/containers/still/exec", {"Cmd": ["ls"]}, 409, "is not running"),
        ("/containers/box/exec", {"Cmd": []}, 400, "No exec command specified"),
        ("/containers/box/exec", {"Cmd": ["ls"], "DetachKeys": "x-y"}, 400, "Invalid detach keys (x-y) provided"),
        ("/containers/box/exec", {"Cmd": 5}, 400, "Cmd"),
        ("/exec/0000/start", {}, 404, "No such exec instance: 0000"),
    ):
        with ask(daemon.socket, "POST", target, body) as refused:
            assert refused.status == status, target
            assert words in refused.json()["message"]
    daemon.docker("rm", "still")


def test_sessions_go_with_their_container(daemon: RunningDaemon) -> None:
    daemon.docker("run", "-d", "--name", "going", "--network", "none", "busybox", "sleep", "60")
    made = daemon.client.api.exec_create("going", ["true"])["Id"]
    assert daemon.request("GET", f"/exec/{made}/json").status == 200
    daemon.docker("rm", "-f", "going")
    answer = daemon.request("GET", f"/exec/{made}/json")
    assert (answer.status, answer.json["message"]) == (404, f"No such exec instance: {made}")


def test_it_cannot_be_started_twice(daemon: RunningDaemon) -> None:
    id = created(daemon, "true", AttachStdout=True)
    for expected in ({}, {1: f"exec command {id} has already run\r\n".encode()}):
        with ask(daemon.socket, "POST", f"/exec/{id}/start", {}) as started:
            assert started.frames() == expected


def test_a_client_that_vanishes_leaves_the_process_running(daemon: RunningDaemon) -> None:
    id = created(daemon, "sh", "-c", "while :; do echo x; sleep .01; done", AttachStdout=True)
    with ask(daemon.socket, "POST", f"/exec/{id}/start", {}, headers=UPGRADE) as started:
        started.frame()
    time.sleep(0.5)
    found = inspected(daemon, id)
    assert found["Running"]
    os.kill(found["Pid"], 9)
    wait_for(lambda: not inspected(daemon, id)["Running"])


def test_it_ends_with_its_container(daemon: RunningDaemon) -> None:
    daemon.docker("run", "-d", "--name", "short", "--network", "none", "busybox", "sleep", "1000")
    id = created(daemon, "sleep", "1000", name="short", AttachStdout=True)
    with ask(daemon.socket, "POST", f"/exec/{id}/start", {}, headers=UPGRADE) as started:
        short, deadline = daemon.client.containers.get("short"), time.monotonic() + 20
        while len(short.top()["Processes"]) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        short.kill()
        assert started.rest() == b""
    assert inspected(daemon, id)["ExitCode"] == 137
    short.remove()


def test_a_process_that_leaves_its_output_to_another_is_not_waited_for(daemon: RunningDaemon) -> None:
    left = daemon.docker("exec", "box", "sh", "-c", "sleep 1000 & echo $!").stdout.strip()
    daemon.docker("exec", "box", "kill", left)  # it still runs


def test_events(daemon: RunningDaemon) -> None:
    with ask(daemon.socket, "GET", "/events") as events:
        daemon.docker("exec", "box", "sh", "-c", "exit 3", status=3)
        seen = [json.loads(events.chunk()) for _ in range(3)]
        daemon.docker("exec", "box", "true")
        assert json.loads(events.chunk())["Action"] == "exec_create: true "  # as docker has it
    assert [(event["Action"], event["Actor"]["Attributes"].get("exitCode")) for event in seen] == [
        ("exec_create: sh -c exit 3", None),
        ("exec_start: sh -c exit 3", None),
        ("exec_die", "3"),
    ]
    assert len({event["Actor"]["Attributes"]["execID"] for event in seen}) == 1


def test_the_start_of_what_is_not_there_is_told(daemon: RunningDaemon) -> None:
    with ask(daemon.socket, "GET", "/events") as events:
        daemon.docker("exec", "box", "nonesuch", status=127)
        daemon.docker("exec", "box", "true")
        told = [json.loads(events.chunk())["Action"] for _ in range(3)]
    assert told == ["exec_create: nonesuch ", "exec_start: nonesuch ", "exec_create: true "]


def test_by_docker_py(daemon: RunningDaemon) -> None:
    box = daemon.client.containers.get("box")
    assert box.exec_run(["sh", "-c", "echo out; echo err >&2; exit 4"], demux=True) == (4, (b"out\n", b"err\n"))
    assert box.exec_run("env", environment={"X": "y"}, workdir="/tmp").output.count(b"X=y") == 1
    _, stream = box.exec_run("cat", stdin=True, socket=True)
    stream._sock.sendall(b"typed\n")
    assert stream._sock.recv(100) == b"\x01\0\0\0\0\0\0\x06typed\n"
    stream.close()


@pytest.fixture
def terminal(daemon: RunningDaemon) -> Iterator[Terminal]:
    with docker_at_a_terminal(daemon, "exec", "-it", "box", "sh") as made:
        yield made


def test_docker_exec_at_a_terminal(terminal: Terminal) -> None:
    terminal.until("# ")
    terminal.type("stty size; exit 9\n")
    assert "24 80" in terminal.until("24 80")
    assert terminal.wait() == 9


def test_docker_exec_left_by_its_detach_keys(daemon: RunningDaemon, terminal: Terminal) -> None:
    terminal.until("# ")
    terminal.type("\x10")
    terminal.type("\x11")
    terminal.wait()
    with ask(daemon.socket, "GET", "/containers/box/json") as answer:
        left = answer.json()["ExecIDs"][-1]
    found = inspected(daemon, left)
    assert found["Running"]
    os.kill(found["Pid"], 9)


@pytest.mark.parametrize("tty", [False, True])
def test_an_attached_exec_outlives_a_daemon_that_is_killed(tmp_path: Path, tty: bool) -> None:
    """Its output goes nowhere from then on: it gets no SIGPIPE and no hangup, and waits for nobody."""
    needs_root()
    script = (
        "echo ready; sleep 1; i=0; while [ $i -lt 5000 ]; do echo $i to nobody, and to nobody else; i=$((i+1)); done; >/done"
    )
    with running_daemon(tmp_path / "root", clears=False) as first:
        first.docker("run", "-d", "--name", "box", "--network", "none", "busybox", "sleep", "1000")
        pid = first.client.containers.get("box").attrs["State"]["Pid"]
        id = created(first, "sh", "-c", script, AttachStdout=True, AttachStderr=True, Tty=tty)
        with ask(first.socket, "POST", f"/exec/{id}/start", {"Tty": tty}, headers=UPGRADE) as started:
            started.until(b"ready")
            first.end(signal.SIGKILL)
        wait_for(Path(f"/proc/{pid}/root/done").exists)
    with running_daemon(tmp_path / "root") as second:
        assert second.docker("top", "box").stdout.count("\n") == 2, "and nothing of it is left"
