"""The daemon's process: sockets, TLS, activation, readiness, its end, its root; many clients, and such that speak no HTTP."""

import ctypes
import grp
import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from labcore.engine import Engine
from tests.conftest import PROJECT, needs, needs_root
from tests.daemon import DOCKER, RunningDaemon, running_daemon

WAIT_SECONDS = 20
CLIENTS = 200
IDLE_BYTES = 40 << 20
VERSIONS = ("1.24", "1.30", "1.40", "1.44", "1.51")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(Path(tmp_path_factory.mktemp("daemon"), "root"), "-H", "tcp://127.0.0.1:0") as made:
        yield made


def command(root: Path, *options: str) -> list[str]:
    return [sys.executable, "-P", "-m", "labcore", "--root", str(root), "daemon", *options]


def refusal(root: Path, *options: str) -> str:
    done = subprocess.run(command(root, *options), capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)
    assert done.returncode == 125, done
    return done.stderr


def tcp_address(daemon: RunningDaemon) -> str:
    deadline = time.monotonic() + WAIT_SECONDS
    while not (match := re.search(r"tcp://(127\.0\.0\.1:\d+)", daemon.said())):
        assert time.monotonic() < deadline, daemon.said()
        time.sleep(0.02)
    return match[1]


# --- versions, as clients pin them


@pytest.mark.parametrize("version", VERSIONS)
def test_clients_of_older_versions_are_served(daemon: RunningDaemon, version: str) -> None:
    client = daemon.client_of(version)
    assert client.version()["ApiVersion"] == "1.51"
    assert client.info()["Images"] == 1
    assert [each.name for each in client.networks.list(names=["bridge"])] == ["bridge"]
    assert client.volumes.list() == []
    assert daemon.request("GET", f"/v{version}/system/df").json["BuildCache"] == []
    pinned = {"DOCKER_API_VERSION": version}
    assert daemon.docker("run", "--rm", "--network=none", "busybox", "echo", "hello", env=pinned).stdout == "hello\n"
    assert daemon.docker("version", "-f", "{{.Client.APIVersion}}", env=pinned).stdout == f"{version}\n"


@pytest.mark.parametrize(
    ("version", "what"), [("1.23", "too old. Minimum"), ("1", "too old"), ("1.52", "too new. Maximum"), ("2", "too new")]
)
def test_versions_that_are_not_spoken_are_refused(daemon: RunningDaemon, version: str, what: str) -> None:
    found = daemon.request("GET", f"/v{version}/info")
    assert (found.status, f"client version {version} is {what}" in found.content.decode()) == (400, True)


# --- sockets


def test_the_socket_is_the_groups_and_nobody_elses(daemon: RunningDaemon) -> None:
    status = daemon.socket.stat()
    assert stat.S_IMODE(status.st_mode) == 0o660
    known = {each.gr_name: each.gr_gid for each in grp.getgrall()}
    assert status.st_gid == known.get("labcore", known.get("docker", 0))


def test_tcp_on_loopback_is_served(daemon: RunningDaemon) -> None:
    done = subprocess.run(
        [DOCKER, "-H", f"tcp://{tcp_address(daemon)}", "version", "-f", "{{.Server.APIVersion}}"],
        capture_output=True,
        text=True,
    )
    assert done.stdout == "1.51\n", done


@pytest.mark.parametrize("host", ["tcp://0.0.0.0:0", "tcp://192.0.2.1:2375", "tcp://[::]:0", "tcp://somewhere:1"])
def test_tcp_beyond_loopback_without_clients_certificates_is_refused_with_a_cure(tmp_path: Path, host: str) -> None:
    said = refusal(tmp_path / "root", "-H", host)
    assert "is root on this machine" in said
    assert "--tlsverify" in said
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("host", ["unix://x", "http://x", "tcp://127.0.0.1:x", "x", "fd://"])
def test_hosts_that_are_none_are_refused(tmp_path: Path, host: str) -> None:
    assert f"-H {host}" in refusal(tmp_path / "root", "-H", host)


def test_a_sockets_file_appears_when_all_other_hosts_are_listened_at(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        tcp = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        assert f"-H {tcp}: Address already in use" in refusal(tmp_path, "-H", f"unix://{tmp_path}/nowhere/s", "-H", tcp)


def certificates(place: Path) -> None:
    """Make an authority, and certificates of a server and a client."""
    needs("openssl")
    script = """
        openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ca -keyout ca.key -out ca.pem -days 2
        for name in server client; do
            openssl req -newkey rsa:2048 -nodes -subj /CN=$name -keyout $name.key -out $name.csr
            echo subjectAltName=IP:127.0.0.1 > ext
            openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $name.pem -days 2 -extfile ext
        done"""
    place.mkdir()
    subprocess.run(["sh", "-ec", script], cwd=place, check=True, capture_output=True)


def test_tls_lets_in_clients_with_a_certificate_of_the_authority_alone(tmp_path: Path) -> None:
    needs_root()
    keys = tmp_path / "keys"
    certificates(keys)
    options = ["--tlsverify", f"--tlscacert={keys}/ca.pem", f"--tlscert={keys}/server.pem", f"--tlskey={keys}/server.key"]
    with running_daemon(tmp_path / "root", "-H", "tcp://127.0.0.1:0", *options) as made:
        client = [DOCKER, "-H", f"tcp://{tcp_address(made)}", "--tlsverify", f"--tlscacert={keys}/ca.pem"]
        own = [f"--tlscert={keys}/client.pem", f"--tlskey={keys}/client.key"]
        ask = ["version", "-f", "{{.Server.APIVersion}}"]
        assert subprocess.run([*client, *own, *ask], capture_output=True, text=True).stdout == "1.51\n"
        none = {"DOCKER_CERT_PATH": str(tmp_path), "HOME": str(tmp_path)}
        assert subprocess.run([*client, *ask], capture_output=True, text=True, env=none).returncode != 0
        assert not made.docker("info", "-f", "{{.Warnings}}").stdout.count("without encryption")


def test_options_of_tls_go_together(tmp_path: Path) -> None:
    assert "go with --tls or --tlsverify" in refusal(tmp_path / "root", "--tlscert=/x")
    assert "--tlscert FILE" in refusal(tmp_path / "root", "--tls")
    assert "PEM files are wanted" in refusal(
        tmp_path / "root", "-H", "tcp://127.0.0.1:0", "--tls", "--tlscert=/etc/hostname", "--tlskey=/etc/hostname"
    )


# --- activation and readiness


def test_sockets_are_taken_over_from_systemd_and_readiness_is_told(tmp_path: Path) -> None:
    needs_root()
    Engine(tmp_path / "root").seed("busybox")
    with (
        socket.socket(socket.AF_UNIX) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
    ):
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(WAIT_SECONDS)
        activate = f'exec 3<&{listener.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
        process = subprocess.Popen(
            ["bash", "-c", activate, "sh", *command(tmp_path / "root", "-H", "fd://", "--idle-exit", "3")],
            pass_fds=[listener.fileno()],
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
        )
        try:
            assert manager.recv(100) == b"READY=1"
            ask = [DOCKER, "-H", f"unix://{tmp_path}/s", "version", "-f", "{{.Server.APIVersion}}"]
            assert subprocess.run(ask, capture_output=True, text=True).stdout == "1.51\n"
            assert manager.recv(100) == b"STOPPING=1"  # nobody asks for anything
            assert process.wait(WAIT_SECONDS) == 0
        finally:
            process.kill()
            process.wait()
        assert (tmp_path / "s").exists()  # systemd's


def test_with_a_running_container_it_does_not_end_for_idleness(tmp_path: Path) -> None:
    needs_root()
    with running_daemon(tmp_path / "root", "--idle-exit", "0.5") as made:
        made.docker("run", "-d", "--name=one", "--network=none", "busybox", "sleep", "1000")
        time.sleep(1.5)
        assert made.process.poll() is None
        made.docker("rm", "-f", "one")
        assert made.process.wait(WAIT_SECONDS) == 0


def test_a_signal_that_another_thread_is_given_ends_it(tmp_path: Path) -> None:
    needs_root()
    with running_daemon(tmp_path / "root", seeds=()) as made:
        assert made.request("GET", "/_ping").status == 200
        thread = max(int(task.name) for task in Path(f"/proc/{made.process.pid}/task").iterdir())
        assert thread != made.process.pid
        assert ctypes.CDLL(None).tgkill(made.process.pid, thread, signal.SIGTERM) == 0
        assert made.process.wait(WAIT_SECONDS) == 0


# --- defaults of containers


def test_what_a_creator_does_not_name_is_as_the_daemon_was_told(tmp_path: Path) -> None:
    needs_root()
    options = ["--log-driver=local", "--log-opt=max-file=3", "--default-ulimit=nofile=99:100", "--userns-remap=200000:65536"]
    with running_daemon(tmp_path / "root", *options) as made:
        shown = ["--network=none", "busybox", "sh", "-c", "ulimit -n; cat /proc/self/uid_map"]
        assert made.docker("run", "--name=one", *shown).stdout.split() == ["99", "0", "200000", "65536"]
        log = made.client.containers.get("one").attrs["HostConfig"]["LogConfig"]
        assert (log["Type"], log["Config"]["max-file"]) == ("local", "3")
        own = ["--ulimit=nofile=50:50", "--userns=host", "--log-driver=none"]
        assert made.docker("run", "--rm", *own, *shown).stdout.split()[:3] == ["50", "0", "0"]


@pytest.mark.parametrize("whose", ["default", "daemon", "daemon:daemon"])
def test_users_are_mapped_to_the_subordinate_ids_of_a_user(tmp_path: Path, whose: str) -> None:
    needs_root()
    script = ""
    for file, line in (("passwd", "dockremap:x:990:1::/:/bin/false"), ("subuid", ""), ("subgid", "")):
        line = line or f"{'dockremap' if whose == 'default' else 'daemon'}:300000:70000"
        (tmp_path / file).write_text(Path("/etc", file).read_text() + f"{line}\n")
        script += f"mount --bind {tmp_path}/{file} /etc/{file}; "
    enter = ["unshare", "-m", "sh", "-ec", f'{script}exec "$@"', "sh"]
    with running_daemon(tmp_path / "root", f"--userns-remap={whose}", enter=enter) as made:
        shown = made.docker("run", "--rm", "--network=none", "busybox", "sh", "-c", "cat /proc/self/uid_map /proc/self/gid_map")
        assert shown.stdout.split() == ["0", "300000", "70000"] * 2


@pytest.mark.parametrize("option", ["--log-driver=syslog", "--log-opt=x=y", "--default-ulimit=many", "--userns-remap=somebody"])
def test_defaults_that_no_container_could_have_are_refused(tmp_path: Path, option: str) -> None:
    assert not (tmp_path / "root").exists()
    refusal(tmp_path / "root", "-H", f"unix://{tmp_path}/s", option)
    assert not (tmp_path / "s").exists()


# --- its end


def test_a_signal_drains_it_and_containers_run_on(tmp_path: Path) -> None:
    needs_root()
    with running_daemon(tmp_path / "root", clears=False) as made:
        made.docker("run", "-d", "--name=one", "--network=none", "busybox", "sleep", "1000")
        pid = made.client.containers.get("one").attrs["State"]["Pid"]
        with (
            subprocess.Popen([DOCKER, "-H", made.url, "events"], stdout=subprocess.PIPE) as follower,
            ThreadPoolExecutor() as pool,
        ):
            slow = pool.submit(made.request, "POST", "/containers/one/stop?t=2")  # sleep hears no SIGTERM as process 1
            deadline = time.monotonic() + WAIT_SECONDS
            while not any("stop" in job["Kind"] for job in made.request("GET", "/labcore/jobs").json):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert made.end(signal.SIGTERM) == 0
            assert slow.result().status == 204
            assert follower.wait(WAIT_SECONDS) is not None
        assert not made.socket.exists()
        assert not Path(f"/proc/{pid}").exists()
    with running_daemon(tmp_path / "root") as again:
        again.docker("start", "one")
        pid = again.client.containers.get("one").attrs["State"]["Pid"]
        assert again.end() == 0
        assert Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep")


# --- its root


def test_a_second_daemon_on_a_root_is_told_of_the_first(daemon: RunningDaemon, tmp_path: Path) -> None:
    said = refusal(daemon.root, "-H", f"unix://{tmp_path}/s")
    assert f"is in use by another daemon, process {daemon.process.pid}" in said
    assert not (tmp_path / "s").exists()


def test_a_second_daemon_on_a_socket_is_refused(daemon: RunningDaemon, tmp_path: Path) -> None:
    assert f"somebody listens at {daemon.socket} already" in refusal(tmp_path / "root", "-H", daemon.url)
    assert daemon.request("GET", "/_ping").content == b"OK"


def set_format(root: Path, what: str, version: int) -> None:
    """Have something in a state root be of another format."""
    if what == "records":
        with closing(sqlite3.connect(root / "containers" / "records.db")) as database:
            database.execute(f"PRAGMA user_version = {version}")
    elif what == "storage":
        (root / "storage" / "format").write_text(f"{version}\n")
    else:
        (root / "daemon.json").write_text(json.dumps({"format": version, "id": "x"}))


def contents_of(root: Path) -> dict[Path, bytes]:
    """Return the files of a state root, but for those that keep a lock, or room."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name not in ("daemon.lock", "reserve"))
    return {path: path.read_bytes() for path in files}


def test_a_root_of_an_older_or_newer_format_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    needs_root()
    root = tmp_path / "root"
    with running_daemon(root) as before:
        before.docker("create", "busybox")
    for what in ("daemon", "records", "storage"):
        for version in (0, 2):
            set_format(root, what, version)
            contents = contents_of(root)
            said = refusal(root, "-H", f"unix://{tmp_path}/s")
            assert re.search(f"has format '?{version}'?, and this labcore knows 1 only", said), said
            assert "another state root: --root" in said
            assert contents_of(root) == contents
        set_format(root, what, 1)


# --- many clients, and odd ones


def test_two_hundred_clients_are_answered_at_once(daemon: RunningDaemon) -> None:
    clients = [socket.socket(socket.AF_UNIX) for _ in range(CLIENTS)]
    try:
        for client in clients:
            client.settimeout(WAIT_SECONDS)
            client.connect(str(daemon.socket))
        for client in clients:
            client.sendall(b"GET /v1.51/networks HTTP/1.1\r\nHost: d\r\n\r\n")
        assert {client.recv(12) for client in clients} == {b"HTTP/1.1 200"}
    finally:
        for client in clients:
            client.close()


CREATE = b"POST /networks/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
ODD = {
    b"\r\n\r\n": b"HTTP/1.1 4",
    b"GARBAGE\r\n\r\n": b"HTTP/1.1 501",
    b"GET / HTTP/9.9\r\n\r\n": b"HTTP/1.1 400",
    b"GET /" + b"a" * (1 << 17) + b" HTTP/1.1\r\n\r\n": b"HTTP/1.1 4",
    CREATE + b"Content-Length: x\r\n\r\n": b"HTTP/1.1 400",
    CREATE + b"Content-Length: 1\r\n\r\n{": b"HTTP/1.1 400",
    CREATE.replace(b"application/json", b"text/plain") + b"Content-Length: 2\r\n\r\n{}": b"HTTP/1.1 400",
}


@pytest.mark.parametrize("sent", ODD, ids=lambda sent: repr(sent[:40]))
def test_what_is_no_request_is_refused_and_others_are_served_on(daemon: RunningDaemon, sent: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(WAIT_SECONDS)
        client.connect(str(daemon.socket))
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(12).startswith(ODD[sent])
    assert daemon.request("GET", "/_ping").status == 200


def proportional_bytes(pid: int) -> int:
    """Return a process's share of the memory that it has in RAM (PSS)."""
    match = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert match
    return int(match[1]) << 10


def test_an_idle_daemon_takes_little_memory(tmp_path: Path) -> None:
    needs_root()
    with running_daemon(tmp_path / "root") as made:
        made.docker("run", "--rm", "busybox", "true")
        made.docker("info")
        assert proportional_bytes(made.process.pid) <= IDLE_BYTES


def test_the_units_of_systemd_are_sound() -> None:
    needs("systemd-analyze")
    units = [str(path) for path in sorted((PROJECT / "tools/systemd").iterdir())]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if "labcore" in line and "is not executable" not in line]
    assert complaints == []
