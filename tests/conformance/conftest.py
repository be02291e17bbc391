"""Engines that nobody here wrote: podman, and dockerd with containerd."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.runtime.cgroups import hierarchies
from labcore.runtime.cgroups.scope import RUNS
from labcore.spec import OverlayRoot
from tests.conftest import needs, needs_root
from tests.threads import Started

MANAGER = "systemd" if RUNS.is_dir() and not hierarchies().v1 else "cgroupfs"  # as they choose it themselves
RUNTIME = Path(sys.executable).with_name("labcore-runtime")
# Asking for more than the machine allows takes CAP_SYS_RESOURCE, which not every root has.
LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]


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


@pytest.fixture(scope="module")
def archive(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs_root()
    root = engine.spec("busybox", ["true"]).root
    assert isinstance(root, OverlayRoot)
    target = tmp_path_factory.mktemp("image") / "root.tar"
    subprocess.run(["tar", "-C", f"{root.directory}/{root.layers[0]}", "-cf", str(target), "."], check=True)
    return target


@pytest.fixture(scope="module", params=["podman", "docker"])
def driver(request: pytest.FixtureRequest, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    home = tmp_path_factory.mktemp(request.param)
    if request.param == "podman":
        needs("podman", "conmon")
        words = ["podman", "--root", str(home / "root"), "--runroot", str(home / "run"), "--cgroup-manager", MANAGER]
        words += ["--tmpdir", str(home / "tmp"), "--events-backend", "file", "--network-config-dir", str(home / "net")]
        made = Driver("podman", home, [*words, "--runtime", str(RUNTIME)], ["--network", "none", *LIMITS])
        made("import", str(archive), "bb")
        yield made
        subprocess.run([*words, "system", "reset", "--force"], capture_output=True)
        return
    needs("dockerd", "docker")
    address = f"unix://{home}/docker.sock"
    daemon_words = ["dockerd", "-H", address, "--data-root", f"{home}/data", "--exec-root", f"{home}/exec"]
    daemon_words += ["--pidfile", f"{home}/pid", "--bridge", "none", "--iptables=false", "--add-runtime", f"labcore={RUNTIME}"]
    daemon_words += ["--exec-opt", f"native.cgroupdriver={MANAGER}"]
    with (home / "log").open("wb") as log, Started(daemon_words, stdout=log, stderr=log) as daemon:
        options = ["--pull", "never", "--runtime", "labcore", "--network", "none"]
        made = Driver("docker", home, ["docker", "-H", address], options)
        try:
            for _ in range(150):
                if not subprocess.run([*made.words, "version"], capture_output=True).returncode:
                    break
                time.sleep(0.2)
            made("import", str(archive), "bb")
            yield made
            for container in made("ps", "-aq").split():
                made("rm", "-f", container)
        finally:
            daemon.terminate()
            with suppress(subprocess.TimeoutExpired):
                daemon.wait(20)
            daemon.kill()
