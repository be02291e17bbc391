"""The HTTP server against the docker command and docker-py: a daemon of a few routes, by unix socket, TCP and TLS."""

import json
import queue
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from ssl import CERT_REQUIRED, PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import pytest
import trustme

from labcore.http import RawStream, Request, Response, Route, Router, Server, Upgrade, listen_tcp, listen_unix
from tests.peers import Peers
from tests.serving import eventually, running

API = "1.51"
CONTAINER = {
    "Id": "a" * 64,
    "Name": "/box",
    "State": {"Running": True, "Status": "running"},
    "Config": {"Tty": False, "OpenStdin": True, "StdinOnce": True, "AttachStdin": True},
    "HostConfig": {"LogConfig": {"Type": "json-file"}},
}


class Daemon:
    """A container that answers each line with the same in capitals, and events that somebody publishes."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.events: queue.Queue[bytes | None] = queue.Queue()
        self.over: queue.Queue[int] = queue.Queue()
        self.ended = 0
        self.router = Router(
            [
                Route("GET", "/_ping", lambda _: Response(200, {"Api-Version": API, "Ostype": "linux"}, b"OK")),
                Route("GET", "/version", lambda _: answer({"Version": "0.1", "ApiVersion": API, "MinAPIVersion": "1.24"})),
                Route("GET", "/info", self.fails),
                Route("GET", "/events", self.stream_events, long_running=True),
                Route("GET", "/containers/{name}/json", lambda _, name: answer(CONTAINER)),
                Route("POST", "/containers/{name}/attach", self.attach, long_running=True),
                Route("POST", "/containers/{name}/wait", self.wait, long_running=True),
                Route("GET", "/images/{name:path}/json", lambda _, name: answer({"Id": "sha256:1", "RepoTags": [name]})),
                Route("POST", "/build", self.build, long_running=True),
            ],
            prefix="/v{version:number}",
        )

    def __call__(self, request: Request) -> Response | Upgrade:
        self.asked.append(f"{request.method} {request.target}")
        return self.router(request)

    def fails(self, _: Request) -> Response:
        raise ZeroDivisionError("a secret")

    def stream_events(self, request: Request) -> Response:
        request.on_disconnect(lambda: self.events.put(None))
        return Response(200, {"Content-Type": "application/json"}, self._events())

    def _events(self) -> Iterator[bytes]:
        yield from iter(self.events.get, None)
        self.ended += 1

    def attach(self, request: Request, name: str) -> Upgrade:
        return Upgrade(self.shout, {"Content-Type": "application/vnd.docker.raw-stream"})

    def shout(self, stream: RawStream) -> None:
        size = 0
        while piece := stream.read():
            size += len(piece)
            stream.write(struct.pack(">BxxxL", 1, len(piece)) + piece.upper())
        last = f"[{size}]".encode()
        stream.write(struct.pack(">BxxxL", 2, len(last)) + last)
        self.over.put(3)

    def wait(self, request: Request, name: str) -> Response:
        return Response(200, {"Content-Type": "application/json"}, (b'{"StatusCode":%d}' % self.over.get() for _ in "1"))

    def build(self, request: Request) -> Response:
        size = sum(len(piece) for piece in iter(lambda: request.body.read(1 << 16), b""))
        line = json.dumps({"stream": f"a context of {size} bytes\n"}).encode() + b"\r\n"
        return Response(200, {"Content-Type": "application/json"}, iter([line, line]))


def answer(value: Any) -> Response:
    return Response(200, {"Content-Type": "application/json"}, json.dumps(value).encode())


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture(params=["unix", "tcp", "tls"])
def docker(request: pytest.FixtureRequest, daemon: Daemon, peer: Peers, tmp_path: Path) -> Iterator[list[str]]:
    """Yield the words of a docker command that reaches the daemon."""
    tls, words = None, []
    if request.param == "tls":
        tls, authority = SSLContext(PROTOCOL_TLS_SERVER), trustme.CA()
        authority.issue_cert("localhost").configure_cert(tls)
        authority.configure_trust(tls)
        tls.verify_mode = CERT_REQUIRED
        mine = authority.issue_cert("client@example.org")
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        mine.private_key_pem.write_to_path(tmp_path / "key.pem")
        mine.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
        words = ["--tlsverify", *(f"--tls{name}={tmp_path}/{file}.pem" for name, file in
                 (("cacert", "ca"), ("cert", "cert"), ("key", "key")))]  # fmt: skip
    with ExitStack() as undo:
        if request.param == "unix":
            listener = undo.enter_context(listen_unix(tmp_path / "docker.sock"))
            host = f"unix://{tmp_path}/docker.sock"
        else:
            listener = listen_tcp("127.0.0.1", 0)
            host = f"tcp://localhost:{listener.getsockname()[1]}"
        undo.enter_context(running(Server(listener, daemon, is_long_running=daemon.router.is_long_running, tls=tls)))
        yield [*peer("docker", "--config", str(tmp_path)), "-H", host, *words]


def run(*command: str, input: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(command, input=input, capture_output=True, timeout=60)


def test_version_and_images(docker: list[str], daemon: Daemon) -> None:
    done = run(*docker, "version", "--format", "{{.Server.Version}} {{.Server.APIVersion}}")
    assert (done.stdout.strip(), done.stderr) == (b"0.1 1.51", b"")
    done = run(*docker, "image", "inspect", "--format", "{{.RepoTags}}", "quay.io/team/app:v1")
    assert done.stdout.strip() == b"[quay.io/team/app:v1]", done.stderr
    assert any("/images/quay.io/team/app:v1/json" in line for line in daemon.asked)


def test_what_is_not_there_or_fails(docker: list[str]) -> None:
    done = run(*docker, "volume", "ls")
    assert b"there is no such page" in done.stderr, done
    done = run(*docker, "info")
    assert b"the server has failed; its log says how" in done.stdout + done.stderr
    assert b"secret" not in done.stdout + done.stderr


def test_events_arrive_at_once_and_end_with_the_command(docker: list[str], daemon: Daemon) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([*docker, "events", "--format", "{{.Action}}"], stdout=pipe, stderr=pipe) as command:
        assert command.stdout is not None
        for action in ("start", "die"):
            daemon.events.put(json.dumps({"Type": "container", "Action": action, "time": 1}).encode() + b"\n")
            assert command.stdout.readline() == f"{action}\n".encode()
        assert daemon.ended == 0
        command.kill()
    assert eventually(lambda: daemon.ended == 1)


@pytest.mark.parametrize("size", [5, 2_000_000])
def test_attach(docker: list[str], daemon: Daemon, size: int) -> None:
    """The end of the command's input is the container's, whose output goes on; its exit code is the command's."""
    done = run(*docker, "attach", "--sig-proxy=false", "box", input=b"x" * size)
    assert done.stderr == f"[{size}]".encode(), done.stderr[-300:]
    assert done.stdout == b"X" * size
    assert done.returncode == 3
    assert eventually(lambda: any("attach" in line for line in daemon.asked))


def test_build_with_a_slow_context(docker: list[str], tmp_path: Path) -> None:
    context = b"FROM scratch\n"
    command = ["env", "DOCKER_BUILDKIT=0", *docker, "build", "-q=false", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as building:
        assert building.stdin is not None
        time.sleep(0.5)
        out, _ = building.communicate(context, timeout=30)
    assert out.count(b"a context of ") == 2, out


def test_docker_py(daemon: Daemon, tmp_path: Path) -> None:
    code = f"""if True:
        import docker, socket
        client = docker.DockerClient("unix://{tmp_path}/docker.sock", version="{API}", timeout=20)
        print(client.version()["Version"], client.ping(), client.images.get("team/app:v1").tags)
        events = client.events(decode=True)
        print(next(events)["Action"], next(events)["Action"])
        events.close()
        stream = client.api.attach_socket("box", {{"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}})._sock
        stream.sendall(b"hello")
        stream.shutdown(socket.SHUT_WR)
        print(stream.makefile("rb").read())
    """
    for action in ("start", "die"):
        daemon.events.put(json.dumps({"Action": action}).encode() + b"\n")
    with (
        listen_unix(tmp_path / "docker.sock") as listener,
        running(Server(listener, daemon, is_long_running=daemon.router.is_long_running)),
    ):
        done = run(sys.executable, "-c", code)
        assert done.stdout.decode().splitlines() == [
            "0.1 True ['team/app:v1']",
            "start die",
            str(struct.pack(">BxxxL", 1, 5) + b"HELLO" + struct.pack(">BxxxL", 2, 3) + b"[5]"),
        ], done.stderr.decode()
        assert eventually(lambda: daemon.ended == 1)
