"""attach by the daemon's API, by websocket too, and by the stock docker command; what lives through a daemon's death."""

import base64
import os
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import needs_root
from tests.daemon import WAIT_SECONDS, RunningDaemon, running_daemon
from tests.raw_api import UPGRADE, Conversation, ask, wait_for
from tests.terminals import docker_at_a_terminal

ALL = "stream=1&stdin=1&stdout=1&stderr=1"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as running:
        yield running


@pytest.fixture
def name(daemon: RunningDaemon, request: pytest.FixtureRequest) -> Iterator[str]:
    chosen = f"box{abs(hash(request.node.name))}"
    yield chosen
    daemon.docker("rm", "-f", chosen, status=None)


def attached(daemon: RunningDaemon, name: str, query: str = ALL, *, more: bytes = b"", version: str = "1.51") -> Conversation:
    return ask(daemon.socket, "POST", f"/containers/{name}/attach?{query}", None, headers=UPGRADE, more=more, version=version)


def create(daemon: RunningDaemon, name: str, *words: str) -> None:
    daemon.docker("create", "--name", name, "--network", "none", *words)


def start(daemon: RunningDaemon, name: str) -> None:
    with ask(daemon.socket, "POST", f"/containers/{name}/start") as answer:
        assert answer.status == 204


def test_before_the_start_and_to_the_end(daemon: RunningDaemon, name: str) -> None:
    create(daemon, name, "-i", "busybox", "sh", "-c", "read a; echo out $a; echo err >&2")
    with attached(daemon, name, more=b"early\n") as client:
        assert client.first == "HTTP/1.1 101 UPGRADED"
        assert client.fields == [
            "Content-Type: application/vnd.docker.multiplexed-stream",
            "Connection: Upgrade",
            "Upgrade: tcp",
        ]
        start(daemon, name)
        assert client.frames() == {1: b"out early\n", 2: b"err\n"}


def test_the_end_of_input_is_the_containers_and_output_goes_on(daemon: RunningDaemon, name: str) -> None:
    create(daemon, name, "-i", "busybox", "sh", "-c", "cat; sleep .3; echo after")
    with attached(daemon, name) as client:
        start(daemon, name)
        client.send(b"word\n")
        client.end_input()
        assert client.frames() == {1: b"word\nafter\n"}


def test_input_that_stays_open(daemon: RunningDaemon, name: str) -> None:
    """Without StdinOnce one client's end is not the input's."""
    with ask(
        daemon.socket,
        "POST",
        f"/containers/create?name={name}",
        {"Image": "busybox", "Cmd": ["sh", "-c", "read a; echo got; read b; echo $a$b"], "OpenStdin": True,
         "HostConfig": {"NetworkMode": "none"}},
    ) as made:  # fmt: skip
        assert made.status == 201
    start(daemon, name)
    with attached(daemon, name) as first:
        first.send(b"one\n")
        first.end_input()
        deadline = time.monotonic() + WAIT_SECONDS
        while b"got" not in daemon.request("GET", f"/containers/{name}/logs?stdout=1").content:
            assert time.monotonic() < deadline
        with attached(daemon, name) as second:
            second.send(b"two\n")
            assert second.frames() == {1: b"onetwo\n"}
        assert first.frames() == {1: b"got\nonetwo\n"}


def test_several_clients_see_the_same(daemon: RunningDaemon, name: str) -> None:
    create(daemon, name, "-i", "busybox", "sh", "-c", "read a; seq 20000")
    start(daemon, name)
    clients = [attached(daemon, name) for _ in range(4)]
    clients[0].send(b"go\n")
    expected = "".join(f"{n}\n" for n in range(1, 20001)).encode()
    for client in clients:
        with client:
            assert client.frames() == {1: expected}


def test_only_the_streams_that_are_wanted_and_what_was_logged(daemon: RunningDaemon, name: str) -> None:
    create(daemon, name, "-i", "busybox", "sh", "-c", "echo out; echo err >&2; read a; echo more")
    start(daemon, name)
    with ask(daemon.socket, "GET", f"/containers/{name}/logs?stdout=1&stderr=1&follow=1") as logs:
        logs.chunk()
        wait_for(lambda: b"err" in daemon.docker("logs", name).stderr.encode())
    with attached(daemon, name, "logs=1&stderr=1") as client:
        assert client.frames() == {2: b"err\n"}
    with attached(daemon, name, "stream=1&stdout=1") as now, attached(daemon, name, f"logs=1&{ALL}") as all_of_it:
        all_of_it.send(b"x\n")
        assert now.frames() == {1: b"more\n"}
        assert all_of_it.frames() == {1: b"out\nmore\n", 2: b"err\n"}


def test_older_clients_are_told_that_all_is_raw(daemon: RunningDaemon, name: str) -> None:
    create(daemon, name, "busybox", "echo", "hi")
    with attached(daemon, name, version="1.41") as client:
        assert client.fields[0] == "Content-Type: application/vnd.docker.raw-stream"
        start(daemon, name)
        assert client.frames() == {1: b"hi\n"}
    with ask(daemon.socket, "POST", f"/containers/{name}/attach?logs=1&stdout=1") as client:
        assert (client.first, client.fields) == (
            "HTTP/1.1 200 OK",
            ["Content-Type: application/vnd.docker.raw-stream"],
        )
        assert client.frames() == {1: b"hi\n"}


def test_a_terminal_is_raw_and_left_by_its_detach_keys(daemon: RunningDaemon, name: str) -> None:
    create(daemon, name, "-it", "busybox", "cat")
    start(daemon, name)
    with attached(daemon, name, f"{ALL}&detachKeys=ctrl-a,x") as client:
        assert client.fields[0] == "Content-Type: application/vnd.docker.raw-stream"
        client.send(b"word\x01")
        client.send(b"y\n")
        assert client.until(b"\n") == b"word^Ay\r\n"
        client.until(b"\x01y\r\n")
        client.send(b"\x01x")
        assert client.rest() == b""
    assert daemon.client.containers.get(name).status == "running"


def test_what_is_refused(daemon: RunningDaemon, name: str) -> None:
    create(daemon, name, "busybox", "true")
    for target, status in (
        ("/containers/nobody/attach?stream=1", 404),
        (f"/containers/{name}/attach?stream=1&detachKeys=zz", 400),
    ):
        with ask(daemon.socket, "POST", target, headers=UPGRADE) as refused:
            assert refused.status == status
    with ask(daemon.socket, "GET", f"/containers/{name}/attach/ws?stream=1") as refused:
        assert (refused.status, b"websocket" in refused.body()) == (400, True)


def test_nothing_wanted_is_nothing_sent(daemon: RunningDaemon, name: str) -> None:
    create(daemon, name, "busybox", "sleep", "100")
    start(daemon, name)
    with attached(daemon, name, "stream=1") as client:
        assert client.rest() == b""


def test_a_client_that_vanishes(daemon: RunningDaemon, name: str) -> None:
    create(daemon, name, "busybox", "sleep", "1000")
    start(daemon, name)

    def open_sockets() -> int:
        return len(list(Path(f"/proc/{daemon.process.pid}/fd").iterdir()))

    before = open_sockets()
    for client in [attached(daemon, name) for _ in range(5)]:
        client.socket.close()
    wait_for(lambda: open_sockets() <= before + 1)


def test_much_output_by_docker_run(daemon: RunningDaemon) -> None:
    done = subprocess.run(
        daemon.command("run", "--rm", "--network", "none", "busybox", "seq", "300000"),
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == "".join(f"{n}\n" for n in range(1, 300001)).encode()


def test_large_data_both_ways(daemon: RunningDaemon) -> None:
    data = os.urandom(1 << 20) * 8
    done = subprocess.run(
        daemon.command("run", "--rm", "-i", "--network", "none", "busybox", "cat"),
        input=data, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == data


def test_docker_run_at_a_terminal(daemon: RunningDaemon, name: str) -> None:
    words = ("run", "-it", "--name", name, "--network", "none", "busybox", "sh")
    with docker_at_a_terminal(daemon, *words) as terminal:
        terminal.until("# ")
        wait_for(lambda: terminal.has("stty size\n", "24 80"))
        terminal.resize(30, 100)
        terminal.process.send_signal(signal.SIGWINCH)
        wait_for(lambda: terminal.has("stty size\n", "30 100"))
        terminal.type("\x10\x11")
        assert terminal.wait() == 0
    with docker_at_a_terminal(daemon, "attach", name) as terminal:
        terminal.type("exit 5\n")
        assert terminal.wait() == 5


class WebSocketClient:
    """The client's side of RFC 6455."""

    def __init__(self, daemon: RunningDaemon, target: str) -> None:
        headers = (
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(b'0123456789abcdef').decode()}",
        )  # fmt: skip
        self.conversation = ask(daemon.socket, "GET", target, headers=headers)

    def send(self, data: bytes, kind: int = 2) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self.conversation.send(struct.pack(">BB", 0x80 | kind, 0x80 | len(data)) + mask + masked)

    def receive(self) -> tuple[int, bytes]:
        first, size = self.conversation.exactly(2)
        if size == 126:
            (size,) = struct.unpack(">H", self.conversation.exactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self.conversation.exactly(8))
        return first & 15, self.conversation.exactly(size)


def test_by_websocket(daemon: RunningDaemon, name: str) -> None:
    create(daemon, name, "-i", "busybox", "sh", "-c", "read a; echo out $a; sleep .2; echo err >&2")
    start(daemon, name)
    client = WebSocketClient(daemon, f"/containers/{name}/attach/ws?{ALL}")
    with client.conversation as conversation:
        assert conversation.status == 101
        assert conversation.headers["sec-websocket-accept"] == "BACScCJPNqyz+UBoqMH89VmURoA="
        client.send(b"ping", kind=9)
        assert client.receive() == (10, b"ping")
        client.send(b"word\n")
        assert client.receive() == (2, b"out word\n")
        assert client.receive() == (2, b"err\n")
        assert client.receive() == (8, struct.pack(">H", 1000))


def test_a_websockets_frame_that_is_not_masked_ends_it(daemon: RunningDaemon, name: str) -> None:
    create(daemon, name, "-i", "busybox", "cat")
    start(daemon, name)
    client = WebSocketClient(daemon, f"/containers/{name}/attach/ws?{ALL}")
    with client.conversation as conversation:
        conversation.send(b"\x82\x01x")
        assert client.receive() == (8, struct.pack(">H", 1002))


def test_input_outlives_a_daemon_that_is_killed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with running_daemon(root, clears=False) as first:
        create(first, "box", "-i", "busybox", "sh", "-c", "cat; echo end")
        start(first, "box")
        with attached(first, "box") as client:
            client.send(b"before\n")
            assert client.frame() == (1, b"before\n")
            first.end(signal.SIGKILL)
    with running_daemon(root) as second:
        assert second.client.containers.get("box").status == "running"
        with attached(second, "box") as client:
            client.send(b"after\n")
            assert client.frame() == (1, b"after\n")
            client.end_input()
            assert client.frames() == {1: b"end\n"}
        assert second.client.containers.get("box").wait()["StatusCode"] == 0
