"""A daemon for tests: `labcore daemon` in a process of its own, on a socket beside its state root."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import docker
from docker.constants import DEFAULT_DOCKER_API_VERSION

from labcore.engine import Engine
from labcore.engine.container.state import get
from labcore.engine.containers import every, remove
from labcore.engine.network.objects import prune_networks
from labcore.errors import LabcoreError
from labcore.paths import daemon_socket
from tests.peers import ROOT

WAIT_SECONDS = 60
DOCKER = ROOT / "usr" / "bin" / "docker"  # the stock command, which needs nothing else of its root


class Answer(NamedTuple):
    """What a request was answered with."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """Return the content, which is JSON."""
        return json.loads(self.content)

    @property
    def lines(self) -> list[Any]:
        """Return the values of which there is one on each line."""
        return [json.loads(line) for line in self.content.splitlines()]


class RunningDaemon:
    """A daemon that answers: its state root, its socket, its process, what it has logged, and clients of it."""

    def __init__(self, root: Path, path: Path, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.root = root
        self.socket = path
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        """Return the number of its process."""
        return self.process.pid

    @property
    def url(self) -> str:
        """Return what DOCKER_HOST would be."""
        return f"unix://{self.socket}"

    @cached_property
    def client(self) -> docker.DockerClient:
        """docker-py's client, which speaks the newest version that it knows."""
        return self.client_of(DEFAULT_DOCKER_API_VERSION)

    def client_of(self, version: str) -> docker.DockerClient:
        """Return docker-py's client that is pinned to an API version."""
        return docker.DockerClient(base_url=self.url, version=version, timeout=60)

    def command(self, *words: str) -> list[str]:
        """Return the stock docker command's words."""
        return [str(DOCKER), "-H", self.url, *words]

    def docker(
        self, *words: str, status: int | None = 0, stdin: str = "", env: Mapping[str, str] = {}
    ) -> "subprocess.CompletedProcess[str]":
        """Run the stock docker command to its end; it has to end with that status."""
        command = self.command(*words)
        environment = {**os.environ, "DOCKER_CONFIG": str(self.socket.parent / "docker-config"), **env}
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, env=environment, check=False)
        assert status is None or done.returncode == status, (words, done.returncode, done.stdout, done.stderr, self.said())
        return done

    def request(self, method: str, target: str, body: object = None, headers: Mapping[str, str] = {}) -> "Answer":
        """Send a request of its own connection, with a JSON body; return what is answered."""
        connection = http.client.HTTPConnection("docker", timeout=WAIT_SECONDS)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.socket))
        with closing(connection):
            content = None if body is None else json.dumps(body)
            typed = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, quote(target, safe="/?&=:%"), content, {**typed, **headers})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())

    def now(self) -> str:
        """Return the time, as `since` and `until` take it."""
        seconds, nanoseconds = divmod(time.time_ns(), 10**9)
        return f"{seconds}.{nanoseconds:09}"

    def said(self) -> str:
        """Return what it has logged."""
        return self.log.read_text()

    def clear(self) -> None:
        """Remove all its containers, and the networks that nobody is on."""
        engine = Engine(self.root)
        for container in every(engine):
            with suppress(LabcoreError):
                remove(engine, get(engine, container.id).id, force=True)
        prune_networks(engine)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal, and return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(WAIT_SECONDS)


@contextmanager
def running_daemon(
    root: Path,
    *options: str,
    seeds: Sequence[str] = ("busybox",),
    enter: Sequence[str] = (),
    env: Mapping[str, str] = {},
    clears: bool = True,
    listens_at: Path | None = None,
) -> Iterator[RunningDaemon]:
    """Run a daemon on a state root, with those seeds in it; yield it when it answers.

    `enter` are words that run its command elsewhere (`Host.enter()`). In the end it is ended, and with `clears` all of its
    containers and networks with it. Its socket is beside the state root, unless it `listens_at` another path.
    """
    engine = Engine(root)
    for name in seeds:
        if f"{name}:latest" not in engine.images.names():
            engine.seed(name)
    path, log = listens_at or root.parent / f"{root.name}.sock", root.parent / f"{root.name}.log"
    command = [*enter, sys.executable, "-P", "-m", "labcore", "--root", str(root), "daemon", "-H", f"unix://{path}", *options]
    with (
        log.open("ab") as writer,
        subprocess.Popen(command, stdout=writer, stderr=writer, env={**os.environ, **env}) as process,
    ):
        daemon = RunningDaemon(root, path, process, log)
        try:
            _wait_for_answer(daemon)
            yield daemon
        finally:
            if process.poll() is None:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(WAIT_SECONDS)
                process.kill()
            if clears:
                daemon.clear()


@contextmanager
def own_daemon(root: Path, *options: str, **more: Any) -> Iterator[RunningDaemon]:
    """Run a state root's own daemon, which `labcore --root ROOT …` finds; its containers stay."""
    with running_daemon(root, *options, seeds=(), clears=False, listens_at=Path(daemon_socket(root)), **more) as daemon:
        yield daemon


def _wait_for_answer(daemon: RunningDaemon) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            if not probe.connect_ex(str(daemon.socket)):
                return
        assert daemon.process.poll() is None, daemon.said()
        assert time.monotonic() < deadline, daemon.said()
        time.sleep(0.02)
