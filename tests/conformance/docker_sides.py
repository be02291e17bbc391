"""Two daemons, dockerd and ours, each on a host of its own with busybox; the docker command is run for each."""

import io
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from labcore.engine import Engine
from labcore.images.archive.writing import save
from tests.conformance.conftest import running_dockerd
from tests.daemon import DOCKER, running_daemon
from tests.hosts import Host
from tests.network import Namespace
from tests.peers import ROOT, Peers

LINE_SECONDS = 20
PLUGINS = ROOT / "usr" / "libexec" / "docker" / "cli-plugins"
# dockerd's networks, as it makes them itself where it is told of no bridge.
BRIDGE = "ip link add docker0 type bridge; ip address add 172.17.0.1/16 dev docker0; ip link set docker0 up"
NETWORKED = ("--iptables=true", "--ip6tables=true", "--bridge", "docker0", "--exec-opt", "native.cgroupdriver=cgroupfs")
# What differs from run to run, by what stands for it.
VARYING = (
    (re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(Z|\S*)?"), "TIME"),
    (re.compile(r"(About |Less than )?(an?|\d+) (second|minute|hour)s?( ago)?"), "WHILE"),
    (re.compile(r"\b\d+(\.\d+)?[kMG]?B\b"), "SIZE"),
    (re.compile(r"\r|\x00|\^@|\x1b\[[0-9;?]*[a-zA-Z]"), ""),
)


class Outcome(NamedTuple):
    """What a line has come to."""

    status: int
    out: str
    err: str


class Side:
    """A daemon to which lines are given."""

    def __init__(self, host: Host, url: str, home: Path) -> None:
        self.host = host
        self.url = url
        self.home = home
        (home / "bin").mkdir(parents=True, exist_ok=True)
        plugins = home / "config" / "cli-plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        (plugins / "docker-compose").symlink_to(PLUGINS / "docker-compose")
        command = home / "bin" / "docker"
        command.write_text(f'#!/bin/sh\nexec {DOCKER} "$@"\n')
        command.chmod(0o755)

    def run(self, line: str, folder: Path, *, seconds: float = LINE_SECONDS) -> Outcome:
        """Run a line in a folder, by a shell."""
        folder.mkdir(parents=True, exist_ok=True)
        environment = {
            "PATH": f"{self.home}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.home),
            "DOCKER_CONFIG": str(self.home / "config"),
            "DOCKER_HOST": self.url,
            "TERM": "xterm",
            "LANG": "C.UTF-8",
        }
        words = [*self.host.enter(), "timeout", "-k", "1", str(seconds), "bash", "-c", line]
        done = subprocess.run(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return Outcome(done.returncode, self._common(done.stdout, folder), self._common(done.stderr, folder))

    def load(self, archive: bytes) -> None:
        """Have it load an archive of images."""
        (self.home / "images.tar").write_bytes(archive)
        loaded = self.run("docker load -i images.tar", self.home)
        assert loaded.status == 0, loaded

    def _common(self, text: str, folder: Path) -> str:
        """Return a text without what differs from side to side and from run to run."""
        text = text.replace(str(folder), "FOLDER").replace(self.url, "URL")
        for pattern, name in VARYING:
            text = pattern.sub(name, text)
        return "\n".join(" ".join(line.split()) for line in text.splitlines())

    def clear(self, folder: Path) -> None:
        """Remove all but busybox."""
        for line in (
            "docker ps -aq | xargs -r docker rm -fv",
            "docker network prune -f",
            "docker volume prune -af",
            "docker images --format '{{.Repository}}:{{.Tag}}' | grep -v -e ^busybox:latest -e none | xargs -r docker rmi -f",
            "docker image prune -f",
        ):
            self.run(line, folder, seconds=120)


@contextmanager
def our_side(engine: Engine, home: Path) -> Iterator[Side]:
    """Run our daemon, with busybox, on a host of its own."""
    archive = io.BytesIO()
    save(engine.images, ["busybox"], archive)
    with Host() as host, running_daemon(home / "ours", enter=host.enter(), seeds=()) as daemon:
        side = Side(host, daemon.url, home / "ours-home")
        side.load(archive.getvalue())
        yield side


@contextmanager
def two_sides(peer: Peers, engine: Engine, home: Path) -> Iterator[tuple[Side, Side]]:
    """Run both daemons; yield them, dockerd's first."""
    archive = io.BytesIO()
    save(engine.images, ["busybox"], archive)
    with ExitStack() as undo:
        host = undo.enter_context(Host())
        host.sh(BRIDGE)
        peers = peer.within(Namespace(host.pid).words(*peer.prefix))
        undo.enter_context(running_dockerd(peers, home / "d", *NETWORKED))
        theirs = Side(host, f"unix://{home}/d/s", home / "theirs-home")
        theirs.load(archive.getvalue())
        yield theirs, undo.enter_context(our_side(engine, home))
