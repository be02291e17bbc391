"""Registries for image benchmarks, labcore's and docker-registry, each on a free port of the loopback."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from labcore.bench.peers import PeerFailed


class Registry(NamedTuple):
    """A registry that is being served."""

    name: str
    address: str


CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {directory}}}}}
http: {{addr: {address}}}
"""


@contextmanager
def docker_registry(directory: Path) -> Iterator[Registry]:
    """Serve an empty one with Debian's docker-registry, whose files are gone afterwards."""
    directory.mkdir()
    address = f"127.0.0.1:{_free_port()}"
    config = directory / "config.yml"
    config.write_text(CONFIG.format(directory=directory / "data", address=address), encoding="utf-8")
    try:
        with _served(["docker-registry", "serve", str(config)], address):
            yield Registry("docker-registry", address)
    finally:
        shutil.rmtree(directory)


@contextmanager
def own_registry(directory: Path) -> Iterator[Registry]:
    """Serve an empty one with `labcore registry serve`."""
    directory.mkdir()
    address = f"127.0.0.1:{_free_port()}"
    command = [sys.executable, "-m", "labcore", "registry", "serve", "--listen", address, "--data", str(directory / "data")]
    try:
        with _served(command, address):
            yield Registry("labcore registry serve", address)
    finally:
        shutil.rmtree(directory)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _served(command: list[str], address: str) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _await(address, server)
            yield
        finally:
            server.terminate()
            server.wait()


def _await(address: str, server: "subprocess.Popen[bytes]") -> None:
    host, _, port = address.partition(":")
    for _ in range(200):
        if server.poll() is not None:
            break
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise PeerFailed(f"{server.args!r} does not answer")
