"""Clients of the Engine API that nobody here wrote, in sessions of their own: the same comes of them at dockerd and at ours.

They are fetched once, into build/clients, and take a while: `LABCORE_CLIENTS=1 pytest tests/conformance/test_api_clients.py`.
"""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from labcore.bench.peers_root import PROJECT
from labcore.engine import Engine
from tests.conformance.docker_sides import Side, two_sides
from tests.conftest import needs, needs_root, outside
from tests.peers import Peers

CLIENTS = PROJECT / "build" / "clients"
DATA = Path(__file__).parents[1] / "data"
FETCH_SECONDS, SESSION_SECONDS = 400, 300
# docker-compose 1.29 is no more looked after: it takes what was there in its time.
OLD_COMPOSE = (
    "printf 'cython<3\\nsetuptools<70\\n' > constraints && PIP_CONSTRAINT=constraints "
    "pip install --quiet --target . docker-compose==1.29.2 PyYAML==5.3.1 'docker<7' 'requests<2.32' 'urllib3<2' setuptools"
)
# Of the package with all of ansible's collections, the one of docker and what it needs.
COLLECTIONS = (
    "pip install --quiet --target . ansible-core requests && pip download --quiet --no-deps -d wheel ansible && "
    "unzip -q wheel/ansible-*.whl 'ansible_collections/community/docker/*' "
    "'ansible_collections/community/library_inventory_filtering_v1/*' && rm -r wheel"
)

pytestmark = pytest.mark.skipif(not os.environ.get("LABCORE_CLIENTS"), reason="takes minutes: LABCORE_CLIENTS=1 asks for it")


@pytest.fixture(scope="module")
def sides(peer: Peers, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    needs_root()
    peer.needs("dockerd", "docker")
    with two_sides(peer, engine, tmp_path_factory.mktemp("sides")) as made:
        yield made


def fetched(name: str, command: Sequence[str]) -> Path:
    """Return the folder that a client is in; what fetches it is run there, once."""
    folder = CLIENTS / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".made").exists():
            with outside():
                try:
                    done = subprocess.run(
                        command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
                    )
                except subprocess.TimeoutExpired:
                    pytest.skip(f"needs {name}, which did not come in {FETCH_SECONDS} s")
            if done.returncode:
                pytest.skip(f"needs {name}, which cannot be fetched: {done.stderr[-200:]}")
            (folder / ".made").touch()
    return folder


def npm(name: str, package: str = "") -> Path:
    """Return the folder of a package from npm; what it would compile for itself it does without."""
    needs("node", "npm")
    words = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", ".", package or name]
    return fetched(name, words)


def pip(name: str) -> Path:
    return fetched(name, [sys.executable, "-m", "pip", "install", "--quiet", "--target", ".", name])


def shell(name: str, line: str) -> Path:
    """Return the folder of what a shell's line fetches; `pip` is ours there."""
    return fetched(name, ["sh", "-c", line.replace("pip ", f"{sys.executable} -m pip ")])


def session(side: Side, words: Sequence[str], **env: str) -> Any:
    """Run a client's session, and return what it tells."""
    environment = {
        **os.environ,
        "DOCKER_HOST": side.url,
        "DOCKER_CONFIG": str(side.home / "config"),
        "PATH": f"{side.home}/bin:{os.environ['PATH']}",
        "TESTCONTAINERS_RYUK_DISABLED": "true",  # its image cannot be pulled
        **env,
    }
    done = subprocess.run(
        [*side.host.enter(), *words], env=environment, capture_output=True, text=True, timeout=SESSION_SECONDS, check=False
    )
    assert done.returncode == 0, (side.url, done.stdout, done.stderr)
    return json.loads(done.stdout)


def test_dockerode(sides: tuple[Side, Side]) -> None:
    modules = npm("dockerode") / "node_modules"
    theirs, ours = (
        session(
            side,
            ["node", str(DATA / "dockerode_session.js"), side.url.removeprefix("unix://")],
            NODE_PATH=str(modules),
        )
        for side in sides
    )
    assert ours == theirs


def test_repo2docker(sides: tuple[Side, Side]) -> None:
    """In the last version that asks the daemon itself: later ones have docker buildx do it, which needs BuildKit."""
    script, folder = DATA / "repo2docker_session.py", pip("jupyter-repo2docker==2023.6.0")
    theirs, ours = (session(side, [sys.executable, str(script)], PYTHONPATH=str(folder)) for side in sides)
    assert ours == theirs


@pytest.mark.parametrize("name", ["aiodocker", "python-on-whales", "testcontainers"])
def test_clients_in_python(sides: tuple[Side, Side], name: str) -> None:
    script = DATA / f"{name.replace('-', '_')}_session.py"
    folder = pip(name)
    theirs, ours = (session(side, [sys.executable, str(script)], PYTHONPATH=str(folder)) for side in sides)
    assert ours == theirs


@pytest.mark.parametrize(("name", "package"), [("testcontainers-node", "testcontainers@11"), ("node-sdk", "@docker/node-sdk")])
def test_clients_in_node(sides: tuple[Side, Side], name: str, package: str) -> None:
    script = DATA / f"{name.replace('-', '_')}_session.js"
    modules = npm(name, package) / "node_modules"
    theirs, ours = (session(side, ["node", str(script)], NODE_PATH=str(modules)) for side in sides)
    assert ours == theirs


def test_devcontainers(sides: tuple[Side, Side]) -> None:
    command = npm("devcontainers-cli", "@devcontainers/cli") / "node_modules/@devcontainers/cli/devcontainer.js"
    words = [sys.executable, str(DATA / "devcontainers_session.py"), str(command)]
    theirs, ours = (session(side, words) for side in sides)
    assert ours == theirs


def test_old_compose(sides: tuple[Side, Side]) -> None:
    folder = shell("docker-compose", OLD_COMPOSE)
    words = [sys.executable, str(DATA / "docker_compose_session.py")]
    theirs, ours = (session(side, words, PYTHONPATH=str(folder)) for side in sides)
    assert ours == theirs


def test_ansible(sides: tuple[Side, Side]) -> None:
    needs("unzip")
    folder = str(shell("ansible", COLLECTIONS))
    words = [sys.executable, str(DATA / "ansible_session.py")]
    theirs, ours = (session(side, words, PYTHONPATH=folder, ANSIBLE_COLLECTIONS_PATH=folder) for side in sides)
    assert ours == theirs


def test_a_learners_server_of_jupyterhub(sides: tuple[Side, Side]) -> None:
    needs("node", "npm")
    proxy = "npm install --ignore-scripts --no-audit --no-fund --prefix . configurable-http-proxy"
    folder = shell("dockerspawner", f"pip install --quiet --target . dockerspawner jupyterhub && {proxy}")
    words = [sys.executable, str(DATA / "dockerspawner_session.py"), str(folder)]
    theirs, ours = (session(side, words, PYTHONPATH=str(folder)) for side in sides)
    assert ours == theirs


@pytest.mark.parametrize(
    "step",
    ["sizes_and_signals", "detached_and_attached_again", "executions", "signals_without_a_terminal", "followed", "composed"],
)
def test_docker_at_a_terminal(sides: tuple[Side, Side], step: str) -> None:
    theirs, ours = (session(side, [sys.executable, str(DATA / "terminal_session.py"), step]) for side in sides)
    assert ours == theirs
