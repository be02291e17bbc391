"""Attacks on the daemon: by what runs in containers, by archives, requests, pages in a browser (labcore/daemon/SECURITY.md)."""

import gzip
import http.client
import io
import json
import re
import socket
import struct
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from docker.errors import APIError
from requests.exceptions import ChunkedEncodingError

from tests.conftest import needs_root
from tests.daemon import WAIT_SECONDS, Answer, RunningDaemon, running_daemon
from tests.integration.test_daemon_process import tcp_address
from tests.raw_api import demultiplexed

SECRET: Final = b"what the host keeps to itself"
RACE_SECONDS: Final = 3.0
MORE_BYTES: Final = 64 << 20  # that a daemon's memory may grow by, whatever it is sent
BOMB_BYTES: Final = 128 << 20
BOMB_SECONDS: Final = 120
FLOOD: Final = "head -c 50000000 /dev/zero; exit 1"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(Path(tmp_path_factory.mktemp("daemon"), "root"), "-H", "tcp://127.0.0.1:0") as made:
        made.docker("run", "-d", "--name=one", "--network=none", "busybox", "sleep", "100000")
        yield made


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory of the host, with a secret in it and nothing else."""
    (tmp_path / "secret").write_bytes(SECRET)
    return tmp_path


def is_untouched(outside: Path) -> bool:
    """Return whether a directory has the secret and nothing else."""
    return [each.name for each in outside.iterdir()] == ["secret"] and (outside / "secret").read_bytes() == SECRET


def archive(*members: tuple[str, bytes]) -> bytes:
    """Return an archive of files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def send(daemon: RunningDaemon, method: str, target: str, body: bytes, kind: str = "application/x-tar") -> Answer:
    """Send a request with a body that is no JSON."""
    connection = http.client.HTTPConnection("docker", timeout=BOMB_SECONDS)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(BOMB_SECONDS)
    connection.sock.connect(str(daemon.socket))
    connection.request(method, f"/v1.51{target}", body, {"Content-Type": kind})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return Answer(answer.status, dict(answer.getheaders()), content)


def resident_bytes(daemon: RunningDaemon) -> int:
    """Return the most memory that a daemon has had: proc_pid_status(5)."""
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[0]) << 10


# --- by what runs in a container


def test_a_container_that_exchanges_directories_for_links_leads_no_copy_out(daemon: RunningDaemon, outside: Path) -> None:
    swap = f"cd /tmp; while true; do mkdir -p d; echo mine > d/secret; rm -rf d; ln -s {outside} d; rm d; done"
    daemon.docker("run", "-d", "--name=swaps", "--network=none", "busybox", "sh", "-c", swap)
    container, content = daemon.client.containers.get("swaps"), archive(("written", b"x"), ("d/written", b"x"))
    deadline = time.monotonic() + RACE_SECONDS
    outcomes = set()
    while time.monotonic() < deadline:
        for path in ("/tmp/d", "/tmp"):
            try:
                outcomes.add(container.put_archive(path, content))
            except APIError as error:
                outcomes.add(error.status_code)
        for path in ("/tmp/d/secret", "/tmp/d"):
            try:
                stream, _ = container.get_archive(path)
                assert SECRET not in b"".join(stream)
            except APIError as error:
                outcomes.add(error.status_code)
            except ChunkedEncodingError:  # what was being sent is there no more
                continue
    daemon.docker("rm", "-f", "swaps")
    assert is_untouched(outside)
    assert {True, 404} <= outcomes


@pytest.mark.parametrize("make", ["mkfifo", "truncate -s 1T", "ln -s /dev/zero", "mkdir"])
def test_a_containers_user_file_holds_nothing_up(daemon: RunningDaemon, make: str) -> None:
    script = f"rm /etc/passwd; {make} /etc/passwd; touch /dev/shm/made; sleep 100000"
    name = daemon.docker("run", "-d", "--network=none", "busybox", "sh", "-c", script).stdout.strip()
    daemon.docker("exec", name, "sh", "-c", "until [ -e /dev/shm/made ]; do sleep 0.05; done")
    before, begun = resident_bytes(daemon), time.monotonic()
    made = daemon.request("POST", f"/containers/{name}/exec", {"Cmd": ["true"], "User": "nobody"})
    answer = daemon.request("POST", f"/exec/{made.json['Id']}/start", {"Detach": True}) if made.status == 201 else made
    assert answer.status in (400, 404, 500), answer
    assert b"the daemon has failed" not in answer.content
    assert time.monotonic() - begun < WAIT_SECONDS / 2
    assert resident_bytes(daemon) - before < MORE_BYTES
    daemon.docker("rm", "-f", name)


def test_a_container_opens_no_device_that_it_makes(daemon: RunningDaemon) -> None:
    """As docker's it may make nodes, and its cgroup keeps all shut but the harmless ones; also for what is built, and exec."""
    script = "mknod /disk b 254 0 && mknod /fuse c 10 229 && mknod /null c 1 3 && echo > /null; cat /disk /fuse; true"
    name = daemon.docker("run", "-d", "--network=none", "busybox", "sleep", "1000").stdout.strip()
    for words in (("run", "--rm", "--network=none", "busybox"), ("exec", name)):
        done = daemon.docker(*words, "sh", "-c", script)
        assert done.stderr.splitlines() == [f"cat: can't open '/{each}': Operation not permitted" for each in ("disk", "fuse")]
    daemon.docker("rm", "-f", name)


def test_a_health_check_that_floods_fills_no_memory(daemon: RunningDaemon) -> None:
    before = resident_bytes(daemon)
    daemon.docker(
        "run",
        "-d",
        "--name=floods",
        "--network=none",
        f"--health-cmd={FLOOD}",
        "--health-interval=1s",
        "--health-retries=1",
        "busybox",
        "sleep",
        "100000",
    )
    container = daemon.client.containers.get("floods")
    deadline = time.monotonic() + WAIT_SECONDS
    while container.attrs["State"]["Health"]["Status"] != "unhealthy":
        assert time.monotonic() < deadline, container.attrs["State"]["Health"]
        time.sleep(0.1)
        container.reload()
    assert all(len(each["Output"]) < 5000 for each in container.attrs["State"]["Health"]["Log"])
    assert resident_bytes(daemon) - before < MORE_BYTES
    daemon.docker("rm", "-f", "floods")


# --- by archives


def huge(size: int) -> bytes:
    """Return the head of an archive whose only file is said to be that large."""
    info = tarfile.TarInfo("file")
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


BOMB: Final = gzip.compress(archive(("zeros", bytes(BOMB_BYTES))))
INTO: Final = {
    "a container": ("PUT", "/containers/one/archive?path=/dev/shm"),
    "the images": ("POST", "/images/load"),
    "an image": ("POST", "/images/create?fromSrc=-&repo=bomb"),
}


@pytest.mark.parametrize("into", INTO)
@pytest.mark.parametrize("size", [1 << 40, (1 << 63) - 1])
def test_what_an_archive_says_of_its_size_takes_no_memory(daemon: RunningDaemon, into: str, size: int) -> None:
    before = resident_bytes(daemon)
    answer = send(daemon, *INTO[into], huge(size) + bytes(1 << 16))
    assert answer.status >= 400 or b"errorDetail" in answer.content, answer
    assert b"the daemon has failed" not in answer.content
    assert resident_bytes(daemon) - before < MORE_BYTES


@pytest.mark.parametrize("into", INTO)
def test_a_compressed_bomb_takes_no_memory(daemon: RunningDaemon, into: str) -> None:
    assert len(BOMB) < 1 << 20
    before = resident_bytes(daemon)
    answer = send(daemon, *INTO[into], BOMB)
    assert b"the daemon has failed" not in answer.content
    assert resident_bytes(daemon) - before < MORE_BYTES
    daemon.docker("rmi", "bomb", status=None)
    daemon.docker("exec", "one", "rm", "-f", "/dev/shm/zeros")


def test_an_image_archive_reads_no_file_of_the_host(daemon: RunningDaemon, outside: Path) -> None:
    for place in (str(outside / "secret"), f"../../../../../../../..{outside}/secret"):
        manifest = json.dumps([{"Config": place, "RepoTags": ["stolen:v1"], "Layers": [place]}]).encode()
        answer = send(daemon, "POST", "/images/load", archive(("manifest.json", manifest)))
        assert answer.status >= 400 or b"errorDetail" in answer.content, answer
        assert SECRET not in answer.content
    assert not daemon.client.images.list("stolen")


# --- by requests


def created(daemon: RunningDaemon, **fields: Any) -> Answer:
    """Ask for a container."""
    return daemon.request("POST", "/v1.51/containers/create", {"Image": "busybox", "Cmd": ["true"], **fields})


@pytest.mark.parametrize(
    "host_config",
    [
        {"Binds": ["../../etc:/x"]},
        {"Binds": ["./etc:/x"]},
        {"Binds": ["..:/x"]},
        {"Binds": ["a/../../b:/x"]},
        {"Binds": ["/etc:x"]},
        {"Mounts": [{"Type": "volume", "Source": "../../etc", "Target": "/x"}]},
        {"Mounts": [{"Type": "volume", "Source": "/etc", "Target": "/x"}]},
        {"Mounts": [{"Type": "bind", "Source": "etc", "Target": "/x"}]},
        {"Mounts": [{"Type": "bind", "Source": "/etc", "Target": "x"}]},
        {"SecurityOpt": ["seccomp=/etc/passwd"]},
        {"Sysctls": {"kernel.core_pattern": "|/bin/x"}},
        {"Sysctls": {"net/../kernel/core_pattern": "|/bin/x"}},
        {"Sysctls": {"net...kernel.core_pattern": "|/bin/x"}},
        {"LogConfig": {"Type": "../../x"}},
    ],
    ids=str,
)
def test_no_option_leads_out(daemon: RunningDaemon, host_config: dict[str, object]) -> None:
    answer = created(daemon, HostConfig=host_config)
    if answer.status == 201:
        place = f"/v1.51/containers/{answer.json['Id']}"
        answer = daemon.request("POST", f"{place}/start")
        daemon.request("DELETE", f"{place}?force=1&v=1")
    assert answer.status in (400, 403, 404), answer
    assert b"root:" not in answer.content


@pytest.mark.parametrize("source", ["file:///etc/passwd", "/etc/passwd", "../etc/passwd"])
def test_an_import_reads_no_file_of_the_host(daemon: RunningDaemon, source: str) -> None:
    answer = daemon.request("POST", f"/v1.51/images/create?fromSrc={source}&repo=stolen")
    assert answer.status >= 400 or b"errorDetail" in answer.content, answer
    assert b"root:" not in answer.content


def test_a_variable_of_several_lines_is_one_variable(daemon: RunningDaemon) -> None:
    value = "A=b\nLD_PRELOAD=/x\n\nC"
    answer = created(daemon, Env=[value], Cmd=["cat", "/proc/self/environ"])
    place = f"/v1.51/containers/{answer.json['Id']}"
    daemon.request("POST", f"{place}/start")
    daemon.request("POST", f"{place}/wait")
    printed = demultiplexed(daemon.request("GET", f"{place}/logs?stdout=1").content)[1]
    assert f"{value}\0".encode() in printed
    daemon.request("DELETE", place)
    run = daemon.client.containers.get("one").exec_run(["cat", "/proc/self/environ"], environment=[value])
    assert f"{value}\0".encode() in run.output


def test_labels_of_megabytes_are_kept_and_larger_bodies_refused(daemon: RunningDaemon) -> None:
    answer = created(daemon, Labels={"large": "x" * (3 << 20)})
    assert answer.status == 201
    listed = daemon.request("GET", "/v1.51/containers/json?all=1").json
    assert [len(each["Labels"]["large"]) for each in listed if each["Labels"]] == [3 << 20]
    daemon.request("DELETE", f"/v1.51/containers/{answer.json['Id']}")
    before = resident_bytes(daemon)
    assert created(daemon, Labels={"large": "x" * (5 << 20)}).status == 413
    assert resident_bytes(daemon) - before < MORE_BYTES


def test_a_websockets_frame_that_says_it_is_endless_ends_it(daemon: RunningDaemon) -> None:
    daemon.docker("run", "-d", "-i", "--name=reads", "--network=none", "busybox", "cat")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(WAIT_SECONDS)
        client.connect(str(daemon.socket))
        client.sendall(
            b"GET /v1.51/containers/reads/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        before = resident_bytes(daemon)
        client.sendall(struct.pack(">BBQ", 0x82, 0xFF, (1 << 63) - 1) + bytes(1 << 16))
        assert client.recv(4) == struct.pack(">BBH", 0x88, 2, 1009)
        assert resident_bytes(daemon) - before < MORE_BYTES
    daemon.docker("rm", "-f", "reads")


# --- by pages in a browser


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "rebound.example:2375"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_pages_of_other_sites_are_not_served(daemon: RunningDaemon, headers: dict[str, str], status: int) -> None:
    for method, target in (("GET", "/v1.51/containers/json"), ("POST", "/v1.51/containers/one/resize?h=9&w=9")):
        connection = http.client.HTTPConnection(tcp_address(daemon), timeout=WAIT_SECONDS)
        connection.request(method, target, headers=headers)
        answer = connection.getresponse()
        assert answer.status in ((200, 409, 400, 500) if status == 200 else (403,)), answer.read()
        assert "access-control-allow-origin" not in {name.lower() for name, _ in answer.getheaders()}
        connection.close()
