"""A daemon's clients overheard: whole requests and answers, connections that are taken over, and nothing left of it."""

from __future__ import annotations

import secrets
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from labcore.errors import InvalidInput
from labcore.lab.listening import Listening, listen
from tests.conftest import needs_root
from tests.daemon import DOCKER, RunningDaemon, running_daemon

needs_docker = pytest.mark.skipif(not DOCKER.exists(), reason="today's docker is not there: tools/peers make")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as made:
        yield made


@pytest.fixture
def ear(daemon: RunningDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path))
    with listen(daemon) as made:
        yield made
    assert list((tmp_path / "lab").iterdir()) == []


def heard(ear: Listening, *words: str) -> str:
    """Run the stock docker command through the ear; return what it puts out."""
    return subprocess.run([DOCKER, "-H", ear.url, *words], check=True, capture_output=True, text=True, timeout=60).stdout


@needs_docker
def test_a_run_is_four_requests(ear: Listening) -> None:
    name = f"heard-{secrets.token_hex(4)}"
    heard(ear, "run", "-d", "--name", name, "busybox", "sh", "-c", "exit 3")
    turns = ear.conversation().turns
    asked = [turn.request.first.split()[1].partition("?")[0].split("/")[-1] for turn in turns]
    assert asked[:2] == ["_ping", "create"]
    assert set(asked[2:]) == {"start", "wait"}
    assert (turns[1].status, '"Cmd": ["sh", "-c", "exit 3"]' in "\n".join(turns[1].asked_lines)) == (201, True)
    assert "Api-Version: 1.51" in turns[0].told_lines

    heard(ear, "wait", name)
    later = ear.conversation()
    assert '{"StatusCode": 3}' in repr(later)
    assert "/create" not in repr(later), "what has been told is not told again"


@needs_docker
def test_what_a_container_says_passes_as_raw_bytes(ear: Listening) -> None:
    assert heard(ear, "run", "--rm", "busybox", "echo", "heard") == "heard\n"
    (attach,) = (turn for turn in ear.conversation().turns if "/attach" in turn.request.first)
    assert (attach.status, attach.raw[:1], attach.raw[8:]) == (101, b"\x01", b"heard\n")


def test_a_client_that_goes_in_the_middle_is_told_as_far_as_it_came(ear: Listening) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(ear.socket)
        client.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\nGET /ev")
        assert client.recv(15) == b"HTTP/1.1 200 OK"
    assert [turn.request.first for turn in ear.conversation().turns] == ["GET /_ping HTTP/1.1"]


def test_only_a_unix_socket_can_be_listened_in_on() -> None:
    with pytest.raises(InvalidInput, match="is no unix socket"):
        listen(SimpleNamespace(url="tcp://127.0.0.1:2375"))
