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
FETCH_SECONDS, SESSION_SECONDS = 400, 90

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


def npm(name: str) -> Path:
    needs("node", "npm")
    return fetched(name, ["npm", "install", "--no-audit", "--no-fund", "--prefix", ".", name])


def pip(name: str) -> Path:
    return fetched(name, [sys.executable, "-m", "pip", "install", "--quiet", "--target", ".", name])


def session(side: Side, words: Sequence[str], **env: str) -> Any:
    """Run a client's session, and return what it tells."""
    environment = {**os.environ, "DOCKER_HOST": side.url, "PATH": f"{side.home}/bin:{os.environ['PATH']}", **env}
    done = subprocess.run(
        [*side.host.enter(), *words], env=environment, capture_output=True, text=True, timeout=SESSION_SECONDS, check=False
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
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


@pytest.mark.parametrize("name", ["aiodocker", "python-on-whales", "testcontainers"])
def test_clients_in_python(sides: tuple[Side, Side], name: str) -> None:
    script = DATA / f"{name.replace('-', '_')}_session.py"
    folder = pip(name)
    theirs, ours = (
        session(side, [sys.executable, str(script)], PYTHONPATH=str(folder), TESTCONTAINERS_RYUK_DISABLED="true")
        for side in sides
    )
    assert ours == theirs
