"""Engines that nobody here wrote: podman, and dockerd with containerd; and docker's registry."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.runtime.cgroups import hierarchies
from labcore.runtime.cgroups.scope import RUNS
from labcore.spec import OverlayRoot
from tests.conftest import needs_root
from tests.peers import Peers

RUNTIME = Path(sys.executable).with_name("labcore-runtime")
# Asking for more than the machine allows takes CAP_SYS_RESOURCE, which not every root has.
LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
WAIT_SECONDS = 30


def cgroup_manager(peer: Peers) -> str:
    """Return what engines have their cgroups from, as they choose it themselves; in a root of its own no systemd is seen."""
    return "systemd" if RUNS.is_dir() and not hierarchies().v1 and not peer.prefix else "cgroupfs"


class Driver:
    """An engine's command line; `run` are the words that start a container from the image `bb` on our runtime.

    It is called in `home`, for conmon leaves a file where it is called.
    """

    def __init__(self, name: str, home: Path, words: list[str], run: list[str]) -> None:
        self.name = name
        self.home = home
        self.words = words
        self.options = run

    def __call__(self, *words: str, status: int | None = 0, stdin: str = "") -> str:
        command = [*self.words, *words]
        done = subprocess.run(command, cwd=self.home, input=stdin, capture_output=True, text=True, timeout=60)
        assert status is None or done.returncode == status, (words, done.stdout, done.stderr)
        return done.stdout if done.returncode == 0 else done.stdout + done.stderr

    def run(self, *words: str, status: int = 0, stdin: str = "") -> str:
        return self("run", "--rm", *self.options, *words, status=status, stdin=stdin)


@contextmanager
def running_dockerd(peer: Peers, home: Path, *options: str) -> Iterator[list[str]]:
    """Run a dockerd that keeps everything in `home` and makes no network; yield the words that begin docker's command to it."""
    needs_root()
    address = f"unix://{home}/s"
    docker = peer("docker", "-H", address)
    words = peer("dockerd", "-H", address, "--data-root", f"{home}/data", "--exec-root", f"{home}/exec")
    words += ["--pidfile", f"{home}/pid", "--bridge", "none", "--iptables=false", "--ip6tables=false", *options]
    home.mkdir(exist_ok=True)

    def answers() -> bool:
        return not subprocess.run([*docker, "version"], capture_output=True).returncode

    with (home / "log").open("wb") as log, subprocess.Popen(words, stdout=log, stderr=log) as daemon:
        try:
            deadline = time.monotonic() + WAIT_SECONDS
            while not answers():
                assert daemon.poll() is None, (home / "log").read_text()[-2000:]
                assert time.monotonic() < deadline, (home / "log").read_text()[-2000:]
                time.sleep(0.1)
            yield docker
            for container in subprocess.run([*docker, "ps", "-aq"], capture_output=True, text=True).stdout.split():
                subprocess.run([*docker, "rm", "-f", container], capture_output=True)
        finally:
            daemon.terminate()
            with suppress(subprocess.TimeoutExpired):
                daemon.wait(20)
            daemon.kill()


@contextmanager
def dockers_registry(peer: Peers, home: Path, *, auth: dict[str, object] | None = None, **http: object) -> Iterator[str]:
    """Run docker-registry, with its files in `home`; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(home / "data")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", **http},
        **({"auth": auth} if auth else {}),
    }
    words = peer("docker-registry", "serve", str(home / "config.yml"))
    home.mkdir(exist_ok=True)
    (home / "config.yml").write_text(json.dumps(settings))  # YAML, too
    with (home / "log").open("wb") as log, subprocess.Popen(words, stdout=log, stderr=log) as server:
        try:
            deadline = time.monotonic() + WAIT_SECONDS
            while True:
                with socket.socket() as probe:
                    if not probe.connect_ex(("127.0.0.1", port)):
                        break
                assert time.monotonic() < deadline, (home / "log").read_text()
                time.sleep(0.05)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def archive(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs_root()
    root = engine.spec("busybox", ["true"]).root
    assert isinstance(root, OverlayRoot)
    target = tmp_path_factory.mktemp("image") / "root.tar"
    subprocess.run(["tar", "-C", f"{root.directory}/{root.layers[0]}", "-cf", str(target), "."], check=True)
    return target


@pytest.fixture(scope="module", params=["podman", "docker"])
def driver(
    request: pytest.FixtureRequest, peer: Peers, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Driver]:
    home, manager = tmp_path_factory.mktemp(request.param), cgroup_manager(peer)
    if request.param == "podman":
        peer.needs("conmon")
        words = peer("podman", "--root", str(home / "root"), "--runroot", str(home / "run"), "--cgroup-manager", manager)
        words += ["--tmpdir", str(home / "tmp"), "--events-backend", "file", "--network-config-dir", str(home / "net")]
        made = Driver("podman", home, [*words, "--runtime", str(RUNTIME)], ["--network", "none", *LIMITS])
        made("import", str(archive), "bb")
        yield made
        subprocess.run([*words, "system", "reset", "--force"], capture_output=True)
        return
    options = ["--add-runtime", f"labcore={RUNTIME}", "--exec-opt", f"native.cgroupdriver={manager}"]
    with running_dockerd(peer, home, *options) as docker:
        made = Driver("docker", home, docker, ["--pull", "never", "--runtime", "labcore", "--network", "none"])
        made("import", str(archive), "bb")
        yield made
