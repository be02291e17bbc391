"""The certificate's figures beside Docker: its own daemon is found on its socket, and measured."""

import io
import subprocess
from pathlib import Path

from labcore.engine import Engine
from labcore.images.archive.writing import save
from labcore.lab.capstones.figures import docker_ms
from tests.conformance.conftest import running_dockerd
from tests.peers import Peers


def test_dockers_own_daemon_is_measured_once_it_has_an_image(peer: Peers, engine: Engine, tmp_path: Path) -> None:
    archive = io.BytesIO()
    save(engine.images, ["busybox"], archive)
    with running_dockerd(peer, tmp_path / "d") as docker:
        url = f"unix://{tmp_path}/d/s"
        assert docker_ms(url) == 0
        subprocess.run([*docker, "load"], input=archive.getvalue(), check=True, capture_output=True)
        assert docker_ms(url) > 0
        assert not subprocess.run([*docker, "ps", "-aq"], capture_output=True, check=True).stdout
