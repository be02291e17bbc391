"""The docker command in a cell: which one is taken, what it asks, what it prints, and what it does not heed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore import lab
from labcore.lab.docker_client import find_client
from labcore.lab.docker_command import DockerTookTooLong, docker
from tests.conftest import needs, needs_root
from tests.daemon import RunningDaemon, running_daemon
from tests.peers import ROOT

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("docker") / "root") as made:
        yield made


@pytest.fixture
def stock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with today's stock command, or the one that is installed; return the state root of a lab."""
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("PATH", f"{ROOT}/usr/bin:{os.environ['PATH']}")
    if find_client(tmp_path / "root") is None:
        pytest.skip("needs docker, which is not installed (PEERS=1 make setup)")
    return tmp_path / "root"


@pytest.mark.usefixtures("stock")
def test_it_prints_its_version_and_what_it_was_asked(daemon: RunningDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    asked = lab.docker(daemon)
    version = subprocess.run(["docker", "--version"], capture_output=True, text=True, check=True).stdout
    assert f"Docker version {asked.version}, " in version
    assert asked.program == "docker"
    assert capsys.readouterr().out.startswith(f"docker {asked.version} (/")
    done = asked("run --rm busybox sh -c 'echo out; echo err >&2; exit 3'")
    assert (done.status, sorted(done.output.split())) == (3, ["err", "out"])
    assert capsys.readouterr().out == f"$ docker run --rm busybox sh -c 'echo out; echo err >&2; exit 3'\n{done.output}"
    assert asked("run --rm -i busybox cat", stdin="中文\n").output == "中文\n"
    assert asked("version --format {{.Server.Version}}").output.strip()


@pytest.mark.usefixtures("stock")
def test_what_does_not_end_is_ended(daemon: RunningDaemon) -> None:
    asked = docker(daemon)
    started = asked("run -d --network none busybox sleep 1000").output.strip()
    with pytest.raises(DockerTookTooLong, match=r"`wait \w+` was still at work after 1 seconds, and was ended"):
        asked(f"wait {started}", seconds=1)
    assert asked(f"rm -f {started}").status == 0


def test_settings_of_the_user_do_not_disturb_it(
    stock: Path, daemon: RunningDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A context that leads elsewhere, a default of its formats, a plugin of the name of a command, variables."""
    config = tmp_path / "home/.docker"
    (config / "cli-plugins").mkdir(parents=True)
    (config / "config.json").write_text(json.dumps({"currentContext": "nowhere", "psFormat": "none of yours"}))
    for name, text in {"HOME": str(config.parent), "DOCKER_HOST": "tcp://127.0.0.1:1", "DOCKER_CONTEXT": "nowhere"}.items():
        monkeypatch.setenv(name, text)
    asked = docker(daemon)
    assert asked("ps").output.startswith("CONTAINER ID")
    (config_dir,) = (stock / "lab/docker-config").iterdir()
    assert asked.environment()["DOCKER_CONFIG"] == str(config_dir)
    del asked
    assert list((stock / "lab/docker-config").iterdir()) == []


def test_the_configuration_of_a_killed_lab_goes_with_the_next_one(stock: Path, daemon: RunningDaemon) -> None:
    code = f"""
import os, signal
from types import SimpleNamespace
from labcore import lab
asked = lab.docker(SimpleNamespace(url={daemon.url!r}))
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (left,) = (stock / "lab/docker-config").iterdir()
    asked = docker(daemon)
    assert [str(path) for path in left.parent.iterdir()] == [asked.environment()["DOCKER_CONFIG"]]


def test_podmans_command_of_that_name_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """podman-docker's is a script that starts podman."""
    needs("podman")
    stands_in = tmp_path / "docker"
    stands_in.write_text('#!/bin/sh\nexec podman "$@"\n')
    stands_in.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path}:/nowhere")
        assert find_client(tmp_path) is None
    monkeypatch.setenv("PATH", f"{tmp_path}:{ROOT}/usr/bin:{os.environ['PATH']}")
    found = find_client(tmp_path)
    assert found is None or found.path != stands_in


def test_a_snaps_command_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """snapd has one program for all commands, which are links to it."""
    snap = tmp_path / "snap"
    snap.write_text("#!/bin/sh\necho Docker version 28.1.1, build 1\n")
    snap.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/docker").symlink_to(snap)
    assert find_client(tmp_path) is None


def test_without_it_labcores_own_asks(
    daemon: RunningDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("PATH", str(tmp_path))
    asked = docker(daemon)
    assert asked.program == "labcore"
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "labcore lesson setup" in said
    assert asked("run --rm --network none busybox echo here").output == "here\n"
    assert capsys.readouterr().out == "$ labcore run --rm --network none busybox echo here\nhere\n"
